-- +goose Up

-- What was asked, decided, written and read back. Each row is chained to the one before by its hash (see Digest in
-- ledger_hash.go), one chain per console.
CREATE TABLE ledger (
    console TEXT    NOT NULL,
    seq     INTEGER NOT NULL, -- from 1, without gaps, per console
    at      INTEGER NOT NULL, -- microseconds since 1970, UTC
    request TEXT    NOT NULL, -- workflow id
    kind    TEXT    NOT NULL,
    key     TEXT    NOT NULL, -- what makes repeating an append do nothing
    prev    TEXT    NOT NULL, -- hash of the row before; '' for the first
    hash    TEXT    NOT NULL,
    body    TEXT    NOT NULL, -- JSON, exactly the bytes that were hashed
    PRIMARY KEY (console, seq),
    UNIQUE (console, key)
) STRICT;
CREATE INDEX ledger_of_request ON ledger (console, request, seq);
CREATE INDEX ledger_requests ON ledger (console, seq) WHERE kind = 'request';
CREATE INDEX ledger_pairs ON ledger (console, request, seq) WHERE kind IN ('request', 'receipt');

-- The last row of each chain, so that its loss shows.
CREATE TABLE ledger_heads (
    console TEXT    NOT NULL PRIMARY KEY,
    seq     INTEGER NOT NULL,
    hash    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- An accident is refused. Who means it can drop these; the chain then shows what was done.
-- +goose StatementBegin
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: its rows are never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: its rows are never deleted');
END;
-- +goose StatementEnd
-- REPLACE deletes without asking the trigger above.
-- +goose StatementBegin
CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger
WHEN EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND seq = NEW.seq)
  OR EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND key = NEW.key)
  OR EXISTS (SELECT 1 FROM ledger WHERE rowid = NEW.rowid)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: there is a row of this number or key already');
END;
-- +goose StatementEnd

-- Why a piece of work waits, as of its latest attempt. Not evidence, and not part of the chain.
CREATE TABLE waits (
    console      TEXT    NOT NULL,
    request      TEXT    NOT NULL, -- workflow id
    step         TEXT    NOT NULL,
    is_release   INTEGER NOT NULL, -- 1: takes a role away
    attempt      INTEGER NOT NULL,
    since        INTEGER NOT NULL, -- microseconds since 1970, UTC, as are at and next_try
    at           INTEGER NOT NULL,
    next_try     INTEGER,          -- NULL: not known
    reason       TEXT    NOT NULL,
    is_temporary INTEGER NOT NULL, -- 1: goes away by itself
    PRIMARY KEY (console, request, step)
) STRICT, WITHOUT ROWID;

-- For people with SQL.
CREATE VIEW ledger_history AS
SELECT console, seq, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000000.0, 'unixepoch') AS at, request, kind, body, key, hash
FROM ledger;
