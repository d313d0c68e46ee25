-- +goose Up

-- Policies that requests were planned by, so that a request under way is decided by the one it began with. The hash is
-- the key: the same text is the same policy, whichever console it is for.
CREATE TABLE policies (
    hash TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- SHA-256 of body, in hex
    name TEXT COLLATE "C" NOT NULL,             -- the file it was read from first
    at   BIGINT NOT NULL,                       -- first kept: microseconds since 1970, UTC
    body BYTEA NOT NULL                         -- the file's bytes
);
