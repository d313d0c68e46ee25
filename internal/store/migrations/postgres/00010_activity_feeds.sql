-- +goose Up
-- How far a console's activity feed is read: delta syncs go on from there. A row is there from the first delta sync on.
CREATE TABLE activity_feeds (
    console     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    why         TEXT COLLATE "C" NOT NULL, -- why the next delta sync cannot go on; '' if it can
    types       TEXT COLLATE "C" NOT NULL, -- JSON: the types of activities that are read
    watermark   BIGINT NOT NULL, -- greatest time of an activity seen, by the console's clock; 0: none was there
    read_at     BIGINT NOT NULL, -- when it was read last, by the worker's clock; 0: never. Both in microseconds since 1970
    counted     TEXT COLLATE "C" NOT NULL, -- the collection whose rows the last delta sync counted
    changed     BIGINT NOT NULL, -- rows that delta syncs changed since the last full sync
    mark        BIGINT NOT NULL, -- as watermark, before the full sync of mark_of read anything
    mark_at     BIGINT NOT NULL, -- as read_at, for mark
    mark_of     TEXT COLLATE "C" NOT NULL, -- snapshots.id of that full sync; '' if none has taken a mark
    adopted     TEXT COLLATE "C" NOT NULL, -- the mark_of from which delta syncs go on; '' before the first
    measured_of TEXT COLLATE "C" NOT NULL, -- the mark_of of what follows; '' before the first
    missed      BIGINT,          -- of the changes between the last two full syncs, those that the feed did not name
    changes     BIGINT,          -- those changes; both NULL while nothing is measured
    measured_at BIGINT
);

-- Activities that were seen, for two days, so that one that is read again is not taken for a new one.
CREATE TABLE activities_seen (
    console    TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (console, id)
);

-- Whom the feed names as the author of what a snapshot found changed of a principal.
CREATE TABLE change_authors (
    console        TEXT COLLATE "C" NOT NULL,
    snapshot_seq   BIGINT NOT NULL,
    principal_kind TEXT COLLATE "C" NOT NULL,
    principal_id   TEXT COLLATE "C" NOT NULL,
    names          TEXT COLLATE "C" NOT NULL, -- JSON: a list of names, in the order in which they acted
    PRIMARY KEY (console, snapshot_seq, principal_kind, principal_id)
);

-- Rows that a delta sync found gone; work table.
CREATE TABLE gone (
    snapshot_seq BIGINT NOT NULL,
    collection   TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (snapshot_seq, collection, id)
);

-- delta: the snapshot is what a delta sync changed; '': a whole sync.
ALTER TABLE snapshots ADD COLUMN mode TEXT COLLATE "C" NOT NULL DEFAULT '';
