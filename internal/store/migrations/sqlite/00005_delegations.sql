-- +goose Up

-- Who may decide for whom until when: the latest word of each person on each other. The ledger has them
-- all; this is what is looked up.
CREATE TABLE delegations (
    console     TEXT    NOT NULL,
    delegator   TEXT    NOT NULL, -- names as they are compared: in lower case, without spaces around them
    delegate    TEXT    NOT NULL,
    entry       INTEGER NOT NULL, -- number in the ledger
    since       INTEGER NOT NULL, -- microseconds since 1970, UTC, as is until
    until       INTEGER NOT NULL,
    doc         TEXT    NOT NULL, -- JSON
    PRIMARY KEY (console, delegator, delegate)
) STRICT, WITHOUT ROWID;
