-- +goose Up
-- Who changes a principal at present, so that no two processes do at once. Not evidence: a lock that is not renewed
-- ends by itself.
CREATE TABLE principal_locks (
    console text   NOT NULL COLLATE "C",
    subject text   NOT NULL COLLATE "C", -- kind and id, such as user/1535334414585508710
    holder  text   NOT NULL,             -- one attempt; chance, so that nobody else has it
    until   bigint NOT NULL,             -- microseconds since 1970, UTC, by the database's clock
    PRIMARY KEY (console, subject)
);
