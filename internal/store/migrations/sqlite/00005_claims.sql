-- +goose Up
-- What the ledger says of the access that we have given: one row for each lease and scope, permanent grant and scope,
-- and for each other change that gives or ends access. A projection: it is made from the ledger alone, and made again
-- where it does not fit it.
CREATE TABLE claims (
    console        TEXT    NOT NULL,
    claim          TEXT    NOT NULL, -- lease id, such as grant/INC-42#<run> or grant/INC-42#<run>+2
    op             TEXT    NOT NULL, -- lease, grant, create, reset, downgrade, revoke, delete, adopt
    level          TEXT    NOT NULL, -- of the role, as are scope_id and role_id; '' for delete
    scope_id       TEXT    NOT NULL, -- '' at tenant level
    role_id        TEXT    NOT NULL,
    request        TEXT    NOT NULL, -- workflow id
    run            TEXT    NOT NULL, -- original run id
    principal_kind TEXT    NOT NULL,
    principal_id   TEXT    NOT NULL,
    state          TEXT    NOT NULL, -- open, lost, superseded, closed
    entry          INTEGER NOT NULL, -- ledger.seq of the proof, or of the first write while there is none
    is_proven      INTEGER NOT NULL, -- 1: a read has shown it
    is_authorized  INTEGER NOT NULL, -- 1: the ledger holds a request that names it
    was_held       INTEGER NOT NULL, -- 1: the principal had the role before, not by a lease
    is_doubtful    INTEGER NOT NULL, -- 1: due_at may be too early, and is computed again
    began_at       INTEGER NOT NULL, -- microseconds since 1970, UTC, as is every *_at
    due_at         INTEGER,          -- when it must be gone; NULL for never
    due_why        TEXT    NOT NULL, -- end, review, reviewDenied, stopped, closed; '' for never
    closed_at      INTEGER,          -- of the proof that it is gone; NULL while it is open
    PRIMARY KEY (console, claim, op, level, scope_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_of_request ON claims (console, request);
CREATE INDEX claims_of_principal ON claims (console, principal_kind, principal_id);
CREATE INDEX claims_due ON claims (console, due_at) WHERE state = 'open' AND due_at IS NOT NULL;
CREATE INDEX claims_doubtful ON claims (console) WHERE is_doubtful = 1;

-- How far the claims of a console are.
CREATE TABLE claims_heads (
    console TEXT    NOT NULL PRIMARY KEY,
    seq     INTEGER NOT NULL, -- of the last entry of the ledger that is in the claims
    hash    TEXT    NOT NULL, -- its hash: another one there means that the database is another one than it was
    version INTEGER NOT NULL  -- rises with each change of the claims
) STRICT, WITHOUT ROWID;

-- Assignments that neither the baseline nor a claim in force explains, and claims in force that the console does not
-- show. A row stays when it is settled, so that it can be told what was found when.
CREATE TABLE drift (
    console        TEXT    NOT NULL,
    principal_kind TEXT    NOT NULL,
    principal_id   TEXT    NOT NULL,
    level          TEXT    NOT NULL,
    scope_id       TEXT    NOT NULL,
    role_id        TEXT    NOT NULL,
    kind           TEXT    NOT NULL, -- overdue, unexplained, missing, unauthorized
    claim          TEXT    NOT NULL, -- claims.claim; '' if unexplained
    request        TEXT    NOT NULL, -- workflow id; '' if unexplained
    since_at       INTEGER NOT NULL, -- when it was to be gone, or when a snapshot first showed it
    found_at       INTEGER NOT NULL,
    found_in       INTEGER NOT NULL, -- number of the explanation that found it, per console
    gone_at        INTEGER,          -- when an explanation did not find it any more; NULL while it is there
    PRIMARY KEY (console, principal_kind, principal_id, level, scope_id, role_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX drift_found ON drift (console, found_in);

-- The latest explanation of the assignments of a console, and what it was made from: while that is the same, it is not
-- made again.
CREATE TABLE explanations (
    console                TEXT    NOT NULL PRIMARY KEY,
    number                 INTEGER NOT NULL, -- of explanations that found new drift
    users_baseline         INTEGER, -- snapshots.seq: what a snapshot up to this one showed was there before us; NULL
    service_users_baseline INTEGER, -- until a snapshot of the collection is proven
    users_version          INTEGER NOT NULL, -- collection_heads.version
    service_users_version  INTEGER NOT NULL,
    claims_version         INTEGER NOT NULL, -- claims_heads.version
    is_settled             INTEGER NOT NULL, -- 1: no claim has changed since the snapshots began
    explained_at           INTEGER NOT NULL,
    next_at                INTEGER,          -- when time alone changes it; NULL for never
    counts                 TEXT    NOT NULL  -- JSON: number of assignments by kind
) STRICT, WITHOUT ROWID;
