-- +goose Up

-- One sync. seq orders them: the snapshots of a console promote in the order in which they began.
CREATE TABLE snapshots (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT COLLATE "C" NOT NULL UNIQUE,
    console     TEXT COLLATE "C" NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,           -- draining, quarantined, promoted, unchanged, discarded, failed
    started_at  BIGINT NOT NULL,           -- every *_at: microseconds since 1970, UTC
    finished_at BIGINT,
    promoted_at BIGINT,
    decided_by  TEXT COLLATE "C" NOT NULL DEFAULT '',
    reasons     TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    counts      TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    changes     TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    requests    BIGINT NOT NULL DEFAULT 0, -- to the console, for the snapshot as a whole
    note        TEXT COLLATE "C" NOT NULL DEFAULT '',
    workflow_id TEXT COLLATE "C" NOT NULL DEFAULT '' -- the workflow that decides about it; '' if unknown
);
CREATE INDEX snapshots_of_console ON snapshots (console, state, promoted_at);

-- The pagination of one collection: how far it is. attempt 0: not begun.
CREATE TABLE drains (
    snapshot_seq BIGINT NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    attempt      BIGINT NOT NULL DEFAULT 0,
    base_version BIGINT NOT NULL DEFAULT 0, -- collection_heads.version when the attempt began
    pages        BIGINT NOT NULL DEFAULT 0,
    received     BIGINT NOT NULL DEFAULT 0,
    next_cursor  TEXT COLLATE "C" NOT NULL DEFAULT '',
    last_saved   BIGINT NOT NULL DEFAULT 0,
    first_total  BIGINT,
    last_total   BIGINT,
    totals_moved BIGINT NOT NULL DEFAULT 0,
    requests     BIGINT NOT NULL DEFAULT 0,
    unassigned   BIGINT NOT NULL DEFAULT 0,
    members      TEXT NOT NULL DEFAULT '{}', -- JSON: members and assignments per role, added up page by page
    unchanged_rows BIGINT, -- rows received unchanged, and rows new or changed: counted once, when the drain
    pending_rows   BIGINT, -- is complete; NULL until then
    note         TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (snapshot_seq, collection)
);

-- Pages that are saved and not yet loaded into entities and assignments.
CREATE TABLE saved_pages (
    snapshot_seq BIGINT NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    attempt      BIGINT NOT NULL,
    page         BIGINT NOT NULL,
    body         BYTEA NOT NULL,
    PRIMARY KEY (snapshot_seq, collection, page)
);
-- Pages live for milliseconds: compressing them costs more than it saves.
ALTER TABLE saved_pages ALTER COLUMN body SET STORAGE EXTERNAL;

-- What readers see of each collection: seq is the latest proven snapshot, version the latest that changed something.
CREATE TABLE collection_heads (
    console    TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    seq        BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    visible    BIGINT NOT NULL, -- rows that readers see
    held       BIGINT NOT NULL, -- assignments that readers see of its principals
    PRIMARY KEY (console, collection)
);

-- One version of one account, site, role or principal: from snapshot `since` up to, not including, `until`.
-- Visible once the snapshot in `since` is promoted.
CREATE TABLE entities (
    row_id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    console      TEXT COLLATE "C" NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    name         TEXT COLLATE "C" NOT NULL,
    email        TEXT COLLATE "C" NOT NULL,
    email_folded TEXT COLLATE "C" NOT NULL,
    parent_id    TEXT COLLATE "C" NOT NULL,    -- a site's account, a role's scope
    digest       TEXT COLLATE "C" NOT NULL,    -- of doc and held roles
    last_active  BIGINT,          -- overwritten in place: only the newest is kept
    since        BIGINT NOT NULL,
    until        BIGINT,
    -- The last column, so that the columns read most often are reached without reading it.
    doc          TEXT COLLATE "C" NOT NULL     -- JSON without last activity and held roles
);
CREATE UNIQUE INDEX entities_version ON entities (console, collection, id, since);
CREATE INDEX entities_open ON entities (console, collection, since) WHERE until IS NULL;

CREATE TABLE assignments (
    console        TEXT COLLATE "C" NOT NULL,
    principal_kind TEXT COLLATE "C" NOT NULL,
    principal_id   TEXT COLLATE "C" NOT NULL,
    role_id        TEXT COLLATE "C" NOT NULL,
    level          TEXT COLLATE "C" NOT NULL,
    scope_id       TEXT COLLATE "C" NOT NULL,  -- '' at tenant level
    since          BIGINT NOT NULL,
    until          BIGINT,
    PRIMARY KEY (console, principal_kind, principal_id, role_id, level, scope_id, since)
);
-- No index by role or by scope: a query by either scans the console's assignments, a tenth of a second for a quarter
-- of a million rows, while a first sync would write such an index in random order, page by page.

-- Rows of entities that a running snapshot received unchanged.
CREATE TABLE unchanged (
    snapshot_seq BIGINT NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    entity_row   BIGINT NOT NULL,
    touched      BIGINT NOT NULL, -- 1 when last_active differs
    last_active  BIGINT,
    PRIMARY KEY (snapshot_seq, collection, entity_row)
);

-- Assignments that a running snapshot will end: their principals were received and no longer hold them.
CREATE TABLE closing (
    snapshot_seq BIGINT NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    principal_id TEXT COLLATE "C" NOT NULL,
    role_id      TEXT COLLATE "C" NOT NULL,
    level        TEXT COLLATE "C" NOT NULL,
    scope_id     TEXT COLLATE "C" NOT NULL,
    since        BIGINT NOT NULL,
    PRIMARY KEY (snapshot_seq, collection, principal_id, role_id, level, scope_id, since)
);

-- For people with SQL: who held what, from when to when (valid_to NULL: still).
CREATE VIEW assignment_history AS
SELECT a.console, a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id,
       TIMESTAMPTZ 'epoch' + f.promoted_at * INTERVAL '1 microsecond' AS valid_from,
       TIMESTAMPTZ 'epoch' + t.promoted_at * INTERVAL '1 microsecond' AS valid_to
FROM assignments a
JOIN snapshots f ON f.seq = a.since AND f.state = 'promoted'
LEFT JOIN snapshots t ON t.seq = a.until;

CREATE VIEW entity_history AS
SELECT e.console, e.collection, e.id, e.name, e.email, e.parent_id, e.doc,
       TIMESTAMPTZ 'epoch' + f.promoted_at * INTERVAL '1 microsecond' AS valid_from,
       TIMESTAMPTZ 'epoch' + t.promoted_at * INTERVAL '1 microsecond' AS valid_to
FROM entities e
JOIN snapshots f ON f.seq = e.since AND f.state = 'promoted'
LEFT JOIN snapshots t ON t.seq = e.until;

-- What was requested, decided, written and read back. Each row is chained to the one before by its hash (see Digest
-- in internal/ledger), one chain per console.
CREATE TABLE ledger (
    console TEXT COLLATE "C" NOT NULL,
    seq     BIGINT NOT NULL,           -- from 1, without gaps, per console
    at      BIGINT NOT NULL,           -- microseconds since 1970, UTC
    request TEXT COLLATE "C" NOT NULL, -- workflow id
    kind    TEXT COLLATE "C" NOT NULL,
    key     TEXT COLLATE "C" NOT NULL, -- idempotency key: appending it again does nothing
    prev    TEXT COLLATE "C" NOT NULL, -- hash of the row before; '' for the first
    hash    TEXT COLLATE "C" NOT NULL,
    body    TEXT COLLATE "C" NOT NULL, -- JSON, exactly the bytes that were hashed
    PRIMARY KEY (console, seq),
    UNIQUE (console, key)
);
CREATE INDEX ledger_of_request ON ledger (console, request, seq);
CREATE INDEX ledger_requests ON ledger (console, seq) WHERE kind = 'request';
CREATE INDEX ledger_pairs ON ledger (console, request, seq) WHERE kind IN ('request', 'receipt');

-- The last entry of each chain, so that verification detects its loss.
CREATE TABLE ledger_heads (
    console TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq     BIGINT NOT NULL,
    hash    TEXT COLLATE "C" NOT NULL
);

-- The trigger refuses accidents. An administrator can drop it on purpose; verifying the chain
-- then shows what changed.
-- +goose StatementBegin
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: its rows are never changed or deleted';
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

-- Why a step of a request has not succeeded yet, as of its latest attempt. Not evidence, and not part of the chain.
CREATE TABLE waits (
    console      TEXT COLLATE "C" NOT NULL,
    request      TEXT COLLATE "C" NOT NULL, -- workflow id
    step         TEXT COLLATE "C" NOT NULL,
    is_release   BIGINT NOT NULL,           -- 1: the step removes a role
    attempt      BIGINT NOT NULL,
    since        BIGINT NOT NULL,           -- microseconds since 1970, UTC, as are at and next_try
    at           BIGINT NOT NULL,
    next_try     BIGINT,                    -- of the next attempt; NULL: not known
    reason       TEXT COLLATE "C" NOT NULL,
    is_temporary BIGINT NOT NULL,           -- 1: passes without anyone acting
    PRIMARY KEY (console, request, step)
);

-- For people with SQL.
CREATE VIEW ledger_history AS
SELECT console, seq, TIMESTAMPTZ 'epoch' + at * INTERVAL '1 microsecond' AS at, request, kind, body, key, hash
FROM ledger;

-- The texts of the policies by which requests were planned, so that a pending request is decided by the policy it
-- began with. The hash is the key: equal texts are one policy, whatever console it is for.
CREATE TABLE policies (
    hash TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- SHA-256 of body, in hex
    name TEXT COLLATE "C" NOT NULL,             -- of the file it was first read from
    at   BIGINT NOT NULL,                       -- first stored: microseconds since 1970, UTC
    body BYTEA NOT NULL                         -- the file's bytes
);

-- The latest delegation from each delegator to each delegate. The ledger holds all of them; this table is for lookups.
CREATE TABLE delegations (
    console     TEXT COLLATE "C" NOT NULL,
    delegator   TEXT COLLATE "C" NOT NULL, -- both names as access.Fold gives them, for comparison
    delegate    TEXT COLLATE "C" NOT NULL,
    entry       BIGINT NOT NULL,           -- ledger.seq
    since       BIGINT NOT NULL,           -- microseconds since 1970, UTC, as is until
    until       BIGINT NOT NULL,
    doc         TEXT COLLATE "C" NOT NULL, -- JSON
    PRIMARY KEY (console, delegator, delegate)
);
