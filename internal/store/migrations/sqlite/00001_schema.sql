-- +goose Up

-- One sync. seq orders them: the snapshots of a console promote in the order in which they began.
CREATE TABLE snapshots (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    console     TEXT    NOT NULL,
    state       TEXT    NOT NULL,           -- draining, quarantined, promoted, unchanged, discarded, failed
    started_at  INTEGER NOT NULL,           -- every *_at: microseconds since 1970, UTC
    finished_at INTEGER,
    promoted_at INTEGER,
    decided_by  TEXT    NOT NULL DEFAULT '',
    reasons     TEXT    NOT NULL DEFAULT '[]',
    counts      TEXT    NOT NULL DEFAULT '{}',
    changes     TEXT    NOT NULL DEFAULT '{}',
    requests    INTEGER NOT NULL DEFAULT 0, -- to the console, for the snapshot as a whole
    note        TEXT    NOT NULL DEFAULT '',
    workflow_id TEXT    NOT NULL DEFAULT ''  -- the workflow that decides about it; '' if unknown
);
CREATE INDEX snapshots_of_console ON snapshots (console, state, promoted_at);

-- The pagination of one collection: how far it is. attempt 0: not begun.
CREATE TABLE drains (
    snapshot_seq INTEGER NOT NULL,
    collection   TEXT    NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0,
    base_version INTEGER NOT NULL DEFAULT 0, -- collection_heads.version when the attempt began
    pages        INTEGER NOT NULL DEFAULT 0,
    received     INTEGER NOT NULL DEFAULT 0,
    next_cursor  TEXT    NOT NULL DEFAULT '',
    last_saved   INTEGER NOT NULL DEFAULT 0,
    first_total  INTEGER,
    last_total   INTEGER,
    totals_moved INTEGER NOT NULL DEFAULT 0,
    requests     INTEGER NOT NULL DEFAULT 0,
    unassigned   INTEGER NOT NULL DEFAULT 0,
    members      TEXT    NOT NULL DEFAULT '{}', -- JSON: members and assignments per role, added up page by page
    unchanged_rows INTEGER, -- rows received unchanged, and rows new or changed: counted once, when the drain
    pending_rows   INTEGER, -- is complete; NULL until then
    note         TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (snapshot_seq, collection)
) WITHOUT ROWID;

-- Pages that are saved and not yet loaded into entities and assignments.
CREATE TABLE saved_pages (
    snapshot_seq INTEGER NOT NULL,
    collection   TEXT    NOT NULL,
    attempt      INTEGER NOT NULL,
    page         INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (snapshot_seq, collection, page)
);

-- What readers see of each collection: seq is the latest proven snapshot, version the latest that changed something.
CREATE TABLE collection_heads (
    console    TEXT    NOT NULL,
    collection TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    visible    INTEGER NOT NULL, -- rows that readers see
    held       INTEGER NOT NULL, -- assignments that readers see of its principals
    PRIMARY KEY (console, collection)
) WITHOUT ROWID;

-- One version of one account, site, role or principal: from snapshot `since` up to, not including, `until`.
-- Visible once the snapshot in `since` is promoted.
CREATE TABLE entities (
    row_id       INTEGER PRIMARY KEY,
    console      TEXT NOT NULL,
    collection   TEXT NOT NULL,
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    email        TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    parent_id    TEXT NOT NULL,    -- a site's account, a role's scope
    digest       TEXT NOT NULL,    -- of doc and held roles
    last_active  INTEGER,          -- overwritten in place: only the newest is kept
    since        INTEGER NOT NULL,
    until        INTEGER,
    -- The last column, so that the columns read most often are reached without reading it.
    doc          TEXT NOT NULL     -- JSON without last activity and held roles
);
CREATE UNIQUE INDEX entities_version ON entities (console, collection, id, since);
CREATE INDEX entities_open ON entities (console, collection, since) WHERE until IS NULL;

CREATE TABLE assignments (
    console        TEXT NOT NULL,
    principal_kind TEXT NOT NULL,
    principal_id   TEXT NOT NULL,
    role_id        TEXT NOT NULL,
    level          TEXT NOT NULL,
    scope_id       TEXT NOT NULL,  -- '' at tenant level
    since          INTEGER NOT NULL,
    until          INTEGER,
    PRIMARY KEY (console, principal_kind, principal_id, role_id, level, scope_id, since)
) WITHOUT ROWID;
-- No index by role or by scope: a query by either scans the console's assignments, a tenth of a second for a quarter
-- of a million rows, while a first sync would write such an index in random order, page by page.

-- Rows of entities that a running snapshot received unchanged.
CREATE TABLE unchanged (
    snapshot_seq INTEGER NOT NULL,
    collection   TEXT    NOT NULL,
    entity_row   INTEGER NOT NULL,
    touched      INTEGER NOT NULL, -- 1 when last_active differs
    last_active  INTEGER,
    PRIMARY KEY (snapshot_seq, collection, entity_row)
) WITHOUT ROWID;

-- Assignments that a running snapshot will end: their principals were received and no longer hold them.
CREATE TABLE closing (
    snapshot_seq INTEGER NOT NULL,
    collection   TEXT    NOT NULL,
    principal_id TEXT    NOT NULL,
    role_id      TEXT    NOT NULL,
    level        TEXT    NOT NULL,
    scope_id     TEXT    NOT NULL,
    since        INTEGER NOT NULL,
    PRIMARY KEY (snapshot_seq, collection, principal_id, role_id, level, scope_id, since)
) WITHOUT ROWID;

-- For people with SQL: who held what, from when to when (valid_to NULL: still).
CREATE VIEW assignment_history AS
SELECT a.console, a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', f.promoted_at / 1000000.0, 'unixepoch') AS valid_from,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.promoted_at / 1000000.0, 'unixepoch') AS valid_to
FROM assignments a
JOIN snapshots f ON f.seq = a.since AND f.state = 'promoted'
LEFT JOIN snapshots t ON t.seq = a.until;

CREATE VIEW entity_history AS
SELECT e.console, e.collection, e.id, e.name, e.email, e.parent_id, e.doc,
       strftime('%Y-%m-%dT%H:%M:%fZ', f.promoted_at / 1000000.0, 'unixepoch') AS valid_from,
       strftime('%Y-%m-%dT%H:%M:%fZ', t.promoted_at / 1000000.0, 'unixepoch') AS valid_to
FROM entities e
JOIN snapshots f ON f.seq = e.since AND f.state = 'promoted'
LEFT JOIN snapshots t ON t.seq = e.until;

-- What was requested, decided, written and read back. Each row is chained to the one before by its hash (see Digest
-- in internal/ledger), one chain per console.
CREATE TABLE ledger (
    console TEXT    NOT NULL,
    seq     INTEGER NOT NULL, -- from 1, without gaps, per console
    at      INTEGER NOT NULL, -- microseconds since 1970, UTC
    request TEXT    NOT NULL, -- workflow id
    kind    TEXT    NOT NULL,
    key     TEXT    NOT NULL, -- idempotency key: appending it again does nothing
    prev    TEXT    NOT NULL, -- hash of the row before; '' for the first
    hash    TEXT    NOT NULL,
    body    TEXT    NOT NULL, -- JSON, exactly the bytes that were hashed
    PRIMARY KEY (console, seq),
    UNIQUE (console, key)
) STRICT;
CREATE INDEX ledger_of_request ON ledger (console, request, seq);
CREATE INDEX ledger_requests ON ledger (console, seq) WHERE kind = 'request';
CREATE INDEX ledger_pairs ON ledger (console, request, seq) WHERE kind IN ('request', 'receipt');

-- The last entry of each chain, so that verification detects its loss.
CREATE TABLE ledger_heads (
    console TEXT    NOT NULL PRIMARY KEY,
    seq     INTEGER NOT NULL,
    hash    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- The triggers refuse accidents. An administrator can drop them on purpose; verifying the chain
-- then shows what changed.
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
-- REPLACE deletes without running the trigger above.
-- +goose StatementBegin
CREATE TRIGGER ledger_no_replace BEFORE INSERT ON ledger
WHEN EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND seq = NEW.seq)
  OR EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND key = NEW.key)
  OR EXISTS (SELECT 1 FROM ledger WHERE rowid = NEW.rowid)
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: there is a row of this number or key already');
END;
-- +goose StatementEnd

-- Why a step of a request has not succeeded yet, as of its latest attempt. Not evidence, and not part of the chain.
CREATE TABLE waits (
    console      TEXT    NOT NULL,
    request      TEXT    NOT NULL, -- workflow id
    step         TEXT    NOT NULL,
    is_release   INTEGER NOT NULL, -- 1: the step removes a role
    attempt      INTEGER NOT NULL,
    since        INTEGER NOT NULL, -- microseconds since 1970, UTC, as are at and next_try
    at           INTEGER NOT NULL,
    next_try     INTEGER,          -- of the next attempt; NULL: not known
    reason       TEXT    NOT NULL,
    is_temporary INTEGER NOT NULL, -- 1: passes without anyone acting
    PRIMARY KEY (console, request, step)
) STRICT, WITHOUT ROWID;

-- For people with SQL.
CREATE VIEW ledger_history AS
SELECT console, seq, strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000000.0, 'unixepoch') AS at, request, kind, body, key, hash
FROM ledger;

-- The texts of the policies by which requests were planned, so that a pending request is decided by the policy it
-- began with. The hash is the key: equal texts are one policy, whatever console it is for.
CREATE TABLE policies (
    hash TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of body, in hex
    name TEXT    NOT NULL,             -- of the file it was first read from
    at   INTEGER NOT NULL,             -- first stored: microseconds since 1970, UTC
    body BLOB    NOT NULL              -- the file's bytes
) STRICT;

-- The latest delegation from each delegator to each delegate. The ledger holds all of them; this table is for lookups.
CREATE TABLE delegations (
    console     TEXT    NOT NULL,
    delegator   TEXT    NOT NULL, -- both names as access.Fold gives them, for comparison
    delegate    TEXT    NOT NULL,
    entry       INTEGER NOT NULL, -- ledger.seq
    since       INTEGER NOT NULL, -- microseconds since 1970, UTC, as is until
    until       INTEGER NOT NULL,
    doc         TEXT    NOT NULL, -- JSON
    PRIMARY KEY (console, delegator, delegate)
) STRICT, WITHOUT ROWID;
