-- +goose Up
-- Whose API token the workers of a console use, as the console told last: roles of this principal are not changed.
CREATE TABLE token_owners (
    console      TEXT    NOT NULL PRIMARY KEY,
    principal_id TEXT    NOT NULL, -- '' where the console does not tell
    at           INTEGER NOT NULL  -- microseconds since 1970, UTC
) STRICT, WITHOUT ROWID;
