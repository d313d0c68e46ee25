-- +goose Up

-- Who may decide for whom until when: the latest word of each person on each other. The ledger has them
-- all; this is what is looked up.
CREATE TABLE delegations (
    console     TEXT COLLATE "C" NOT NULL,
    delegator   TEXT COLLATE "C" NOT NULL, -- names as they are compared: in lower case, without spaces around them
    delegate    TEXT COLLATE "C" NOT NULL,
    entry       BIGINT NOT NULL,           -- number in the ledger
    since       BIGINT NOT NULL,           -- microseconds since 1970, UTC, as is until
    until       BIGINT NOT NULL,
    doc         TEXT COLLATE "C" NOT NULL, -- JSON
    PRIMARY KEY (console, delegator, delegate)
);
