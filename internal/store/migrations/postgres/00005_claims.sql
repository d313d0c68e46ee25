-- +goose Up
-- What the ledger says of the access that we have given: one row for each lease and scope, permanent grant and scope,
-- and for each other change that gives or ends access. A projection: it is made from the ledger alone, and made again
-- where it does not fit it.
CREATE TABLE claims (
    console        TEXT COLLATE "C" NOT NULL,
    claim          TEXT COLLATE "C" NOT NULL, -- lease id, such as grant/INC-42#<run> or grant/INC-42#<run>+2
    op             TEXT COLLATE "C" NOT NULL, -- lease, grant, create, reset, downgrade, revoke, delete, adopt
    level          TEXT COLLATE "C" NOT NULL, -- of the role, as are scope_id and role_id; '' for delete
    scope_id       TEXT COLLATE "C" NOT NULL, -- '' at tenant level
    role_id        TEXT COLLATE "C" NOT NULL,
    request        TEXT COLLATE "C" NOT NULL, -- workflow id
    run            TEXT COLLATE "C" NOT NULL, -- original run id
    principal_kind TEXT COLLATE "C" NOT NULL,
    principal_id   TEXT COLLATE "C" NOT NULL,
    state          TEXT COLLATE "C" NOT NULL, -- open, lost, superseded, closed
    entry          BIGINT  NOT NULL, -- ledger.seq of the proof, or of the first write while there is none
    is_proven      BIGINT  NOT NULL, -- 1: a read has shown it
    is_authorized  BIGINT  NOT NULL, -- 1: the ledger holds a request that names it
    was_held       BIGINT  NOT NULL, -- 1: the principal had the role before, not by a lease
    is_doubtful    BIGINT  NOT NULL, -- 1: due_at may be too early, and is computed again
    began_at       BIGINT  NOT NULL, -- microseconds since 1970, UTC, as is every *_at
    due_at         BIGINT,          -- when it must be gone; NULL for never
    due_why        TEXT COLLATE "C" NOT NULL, -- end, review, reviewDenied, stopped, closed; '' for never
    closed_at      BIGINT,          -- of the proof that it is gone; NULL while it is open
    PRIMARY KEY (console, claim, op, level, scope_id, role_id)
);
CREATE INDEX claims_of_request ON claims (console, request);
CREATE INDEX claims_of_principal ON claims (console, principal_kind, principal_id);
CREATE INDEX claims_due ON claims (console, due_at) WHERE state = 'open' AND due_at IS NOT NULL;
CREATE INDEX claims_doubtful ON claims (console) WHERE is_doubtful = 1;

-- How far the claims of a console are.
CREATE TABLE claims_heads (
    console TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq     BIGINT  NOT NULL, -- of the last entry of the ledger that is in the claims
    hash    TEXT COLLATE "C" NOT NULL, -- its hash: another one there means that the database is another one than it was
    version BIGINT NOT NULL  -- rises with each change of the claims
);

-- Assignments that neither the baseline nor a claim in force explains, and claims in force that the console does not
-- show. A row stays when it is settled, so that it can be told what was found when.
CREATE TABLE drift (
    console        TEXT COLLATE "C" NOT NULL,
    principal_kind TEXT COLLATE "C" NOT NULL,
    principal_id   TEXT COLLATE "C" NOT NULL,
    level          TEXT COLLATE "C" NOT NULL,
    scope_id       TEXT COLLATE "C" NOT NULL,
    role_id        TEXT COLLATE "C" NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL, -- overdue, unexplained, missing, unauthorized
    claim          TEXT COLLATE "C" NOT NULL, -- claims.claim; '' if unexplained
    request        TEXT COLLATE "C" NOT NULL, -- workflow id; '' if unexplained
    since_at       BIGINT  NOT NULL, -- when it was to be gone, or when a snapshot first showed it
    found_at       BIGINT  NOT NULL,
    found_in       BIGINT  NOT NULL, -- number of the explanation that found it, per console
    gone_at        BIGINT,          -- when an explanation did not find it any more; NULL while it is there
    PRIMARY KEY (console, principal_kind, principal_id, level, scope_id, role_id, kind)
);
CREATE INDEX drift_found ON drift (console, found_in);

-- The latest explanation of the assignments of a console, and what it was made from: while that is the same, it is not
-- made again.
CREATE TABLE explanations (
    console                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    number                 BIGINT  NOT NULL, -- of explanations that found new drift
    users_baseline         BIGINT, -- snapshots.seq: what a snapshot up to this one showed was there before us; NULL
    service_users_baseline BIGINT, -- until a snapshot of the collection is proven
    users_version          BIGINT  NOT NULL, -- collection_heads.version
    service_users_version  BIGINT  NOT NULL,
    claims_version         BIGINT  NOT NULL, -- claims_heads.version
    is_settled             BIGINT  NOT NULL, -- 1: no claim has changed since the snapshots began
    explained_at           BIGINT  NOT NULL,
    next_at                BIGINT,          -- when time alone changes it; NULL for never
    counts                 TEXT COLLATE "C" NOT NULL  -- JSON: number of assignments by kind
);
