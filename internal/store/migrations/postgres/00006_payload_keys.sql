-- +goose Up
-- The keys with which payloads are encrypted that go to Temporal: never a key, but a text that it encrypted, so that a
-- worker with another key under the same id, or without one that is needed, notices before it starts.
CREATE TABLE payload_keys (
    console TEXT COLLATE "C" NOT NULL,
    id      TEXT COLLATE "C" NOT NULL, -- as in the file of the keys
    canary  BYTEA            NOT NULL,
    since   BIGINT           NOT NULL, -- first seen: microseconds since 1970, UTC, as is until
    until   BIGINT,                    -- when another key, or none, took its place; NULL: it encrypts
    PRIMARY KEY (console, id)
);
