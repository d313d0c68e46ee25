-- +goose Up
-- What the checks of the connection to a console have found so far: the latest evidence, not a history.
CREATE TABLE connection_checks (
    console  TEXT    NOT NULL PRIMARY KEY,
    at       INTEGER NOT NULL, -- microseconds since 1970, UTC
    evidence TEXT    NOT NULL  -- JSON: see internal/connection
) STRICT, WITHOUT ROWID;
