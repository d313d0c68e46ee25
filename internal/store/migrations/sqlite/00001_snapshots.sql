-- +goose Up

-- One sync. seq is its place in time: snapshots promote in the order in which they began.
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
    requests    INTEGER NOT NULL DEFAULT 0, -- made for the snapshot as a whole
    note        TEXT    NOT NULL DEFAULT '',
    workflow_id TEXT    NOT NULL DEFAULT ''  -- the run that decides about it; '' when not known
);
CREATE INDEX snapshots_of_console ON snapshots (console, state, promoted_at);

-- The walk through one collection. attempt 0: not begun.
CREATE TABLE drains (
    snapshot_seq INTEGER NOT NULL,
    collection   TEXT    NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 0,
    base_version INTEGER NOT NULL DEFAULT 0, -- heads.version when the attempt began
    pages        INTEGER NOT NULL DEFAULT 0,
    received     INTEGER NOT NULL DEFAULT 0,
    next_cursor  TEXT    NOT NULL DEFAULT '',
    last_saved   INTEGER NOT NULL DEFAULT 0,
    first_total  INTEGER,
    last_total   INTEGER,
    totals_moved INTEGER NOT NULL DEFAULT 0,
    requests     INTEGER NOT NULL DEFAULT 0,
    unassigned   INTEGER NOT NULL DEFAULT 0,
    members      TEXT    NOT NULL DEFAULT '{}', -- JSON: who holds each role, counted page by page
    note         TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (snapshot_seq, collection)
) WITHOUT ROWID;

-- Pages that are safe but not yet rows.
CREATE TABLE saved_pages (
    snapshot_seq INTEGER NOT NULL,
    collection   TEXT    NOT NULL,
    attempt      INTEGER NOT NULL,
    page         INTEGER NOT NULL,
    body         BLOB    NOT NULL,
    PRIMARY KEY (snapshot_seq, collection, page)
);

-- What readers see of each collection: the latest proven snapshot, and the latest that changed something.
CREATE TABLE heads (
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
    parent_id    TEXT NOT NULL,    -- of a site its account, of a role its scope
    digest       TEXT NOT NULL,    -- of doc and held roles
    last_active  INTEGER,          -- of the newest version overwritten in place
    since        INTEGER NOT NULL,
    until        INTEGER,
    -- Last, so that what is looked at most often is read without it.
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
-- No index by role or by scope: a question by either reads what there is, a tenth of a second for a quarter of a
-- million rows, while a first sync would write such an index in random order, page by page.

-- Received as it was.
CREATE TABLE seen (
    snapshot_seq INTEGER NOT NULL,
    collection   TEXT    NOT NULL,
    entity_row   INTEGER NOT NULL,
    touched      INTEGER NOT NULL, -- 1 when last_active differs
    last_active  INTEGER,
    PRIMARY KEY (snapshot_seq, collection, entity_row)
) WITHOUT ROWID;

-- Assignments that principals received no longer hold.
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

-- For people with SQL: who had what from when to when (NULL: still).
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
