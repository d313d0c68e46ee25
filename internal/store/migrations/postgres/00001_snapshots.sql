-- +goose Up

-- One sync. seq is its place in time: snapshots promote in the order in which they began.
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
    requests    BIGINT NOT NULL DEFAULT 0, -- made for the snapshot as a whole
    note        TEXT COLLATE "C" NOT NULL DEFAULT '',
    workflow_id TEXT COLLATE "C" NOT NULL DEFAULT '' -- the run that decides about it; '' when not known
);
CREATE INDEX snapshots_of_console ON snapshots (console, state, promoted_at);

-- The walk through one collection. attempt 0: not begun.
CREATE TABLE drains (
    snapshot_seq BIGINT NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    attempt      BIGINT NOT NULL DEFAULT 0,
    base_version BIGINT NOT NULL DEFAULT 0, -- heads.version when the attempt began
    pages        BIGINT NOT NULL DEFAULT 0,
    received     BIGINT NOT NULL DEFAULT 0,
    next_cursor  TEXT COLLATE "C" NOT NULL DEFAULT '',
    last_saved   BIGINT NOT NULL DEFAULT 0,
    first_total  BIGINT,
    last_total   BIGINT,
    totals_moved BIGINT NOT NULL DEFAULT 0,
    requests     BIGINT NOT NULL DEFAULT 0,
    unassigned   BIGINT NOT NULL DEFAULT 0,
    members      TEXT NOT NULL DEFAULT '{}', -- JSON: who holds each role, counted page by page
    note         TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (snapshot_seq, collection)
);

-- Pages that are safe but not yet rows.
CREATE TABLE saved_pages (
    snapshot_seq BIGINT NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    attempt      BIGINT NOT NULL,
    page         BIGINT NOT NULL,
    body         BYTEA NOT NULL,
    PRIMARY KEY (snapshot_seq, collection, page)
);
-- They live for a moment: compressing them would take longer than that.
ALTER TABLE saved_pages ALTER COLUMN body SET STORAGE EXTERNAL;

-- Pages live for milliseconds: compressing them costs more than it saves.
ALTER TABLE saved_pages ALTER COLUMN body SET STORAGE EXTERNAL;

-- What readers see of each collection: the latest proven snapshot, and the latest that changed something.
CREATE TABLE heads (
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
    parent_id    TEXT COLLATE "C" NOT NULL,    -- of a site its account, of a role its scope
    digest       TEXT COLLATE "C" NOT NULL,    -- of doc and held roles
    last_active  BIGINT,          -- of the newest version overwritten in place
    since        BIGINT NOT NULL,
    until        BIGINT,
    -- Last, so that what is looked at most often is read without it.
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
-- No index by role or by scope: a question by either reads what there is, a tenth of a second for a quarter of a
-- million rows, while a first sync would write such an index in random order, page by page.

-- Received as it was.
CREATE TABLE seen (
    snapshot_seq BIGINT NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    entity_row   BIGINT NOT NULL,
    touched      BIGINT NOT NULL, -- 1 when last_active differs
    last_active  BIGINT,
    PRIMARY KEY (snapshot_seq, collection, entity_row)
);

-- Assignments that principals received no longer hold.
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

-- For people with SQL: who had what from when to when (NULL: still).
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
