-- +goose Up

-- Policies that requests were planned by, so that a request under way is decided by the one it began with. The hash is
-- the key: the same text is the same policy, whichever console it is for.
CREATE TABLE policies (
    hash TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of body, in hex
    name TEXT    NOT NULL,             -- the file it was read from first
    at   INTEGER NOT NULL,             -- first kept: microseconds since 1970, UTC
    body BLOB    NOT NULL              -- the file's bytes
) STRICT;
