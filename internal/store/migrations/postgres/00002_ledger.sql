-- +goose Up

-- What was asked, decided, written and read back. Each row is chained to the one before by its hash (see Digest in
-- ledger_hash.go), one chain per console.
CREATE TABLE ledger (
    console TEXT COLLATE "C" NOT NULL,
    seq     BIGINT NOT NULL,           -- from 1, without gaps, per console
    at      BIGINT NOT NULL,           -- microseconds since 1970, UTC
    request TEXT COLLATE "C" NOT NULL, -- workflow id
    kind    TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL, -- what makes repeating an append do nothing
    prev    TEXT COLLATE "C" NOT NULL, -- hash of the row before; '' for the first
    hash    TEXT COLLATE "C" NOT NULL,
    body    TEXT COLLATE "C" NOT NULL, -- JSON, exactly the bytes that were hashed
    PRIMARY KEY (console, seq),
    UNIQUE (console, key)
);
CREATE INDEX ledger_of_request ON ledger (console, request, seq);
CREATE INDEX ledger_requests ON ledger (console, seq) WHERE kind = 'request';
CREATE INDEX ledger_pairs ON ledger (console, request, seq) WHERE kind IN ('request', 'receipt');

-- The last row of each chain, so that its loss shows.
CREATE TABLE ledger_heads (
    console TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq     BIGINT NOT NULL,
    hash    TEXT COLLATE "C" NOT NULL
);

-- An accident is refused. Who means it can drop the trigger; the chain then shows what was done.
-- +goose StatementBegin
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: its rows are never changed or deleted';
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

-- Why a piece of work waits, as of its latest attempt. Not evidence, and not part of the chain.
CREATE TABLE waits (
    console      TEXT COLLATE "C" NOT NULL,
    request      TEXT COLLATE "C" NOT NULL, -- workflow id
    step         TEXT COLLATE "C" NOT NULL,
    is_release   BIGINT NOT NULL,           -- 1: takes a role away
    attempt      BIGINT NOT NULL,
    since        BIGINT NOT NULL,           -- microseconds since 1970, UTC, as are at and next_try
    at           BIGINT NOT NULL,
    next_try     BIGINT,                    -- NULL: not known
    reason       TEXT COLLATE "C" NOT NULL,
    is_temporary BIGINT NOT NULL,           -- 1: goes away by itself
    PRIMARY KEY (console, request, step)
);

-- For people with SQL.
CREATE VIEW ledger_history AS
SELECT console, seq, TIMESTAMPTZ 'epoch' + at * INTERVAL '1 microsecond' AS at, request, kind, body, key, hash
FROM ledger;
