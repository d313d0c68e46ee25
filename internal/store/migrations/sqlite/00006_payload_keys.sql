-- +goose Up
-- The keys with which payloads are encrypted that go to Temporal: never a key, but a text that it encrypted, so that a
-- worker with another key under the same id, or without one that is needed, notices before it starts.
CREATE TABLE payload_keys (
    console TEXT    NOT NULL,
    id      TEXT    NOT NULL, -- as in the file of the keys
    canary  BLOB    NOT NULL,
    since   INTEGER NOT NULL, -- first seen: microseconds since 1970, UTC, as is until
    until   INTEGER,          -- when another key, or none, took its place; NULL: it encrypts
    PRIMARY KEY (console, id)
) STRICT;
