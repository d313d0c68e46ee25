-- +goose Up
-- How far a console's activity feed is read: delta syncs go on from there. A row is there from the first delta sync on.
CREATE TABLE activity_feeds (
    console     TEXT NOT NULL PRIMARY KEY,
    why         TEXT NOT NULL, -- why the next delta sync cannot go on; '' if it can
    types       TEXT NOT NULL, -- JSON: the types of activities that are read
    watermark   INTEGER NOT NULL, -- greatest time of an activity seen, by the console's clock; 0: none was there
    read_at     INTEGER NOT NULL, -- when it was read last, by the worker's clock; 0: never. Both in microseconds since 1970
    counted     TEXT NOT NULL, -- the collection whose rows the last delta sync counted
    changed     INTEGER NOT NULL, -- rows that delta syncs changed since the last full sync
    mark        INTEGER NOT NULL, -- as watermark, before the full sync of mark_of read anything
    mark_at     INTEGER NOT NULL, -- as read_at, for mark
    mark_of     TEXT NOT NULL, -- snapshots.id of that full sync; '' if none has taken a mark
    adopted     TEXT NOT NULL, -- the mark_of from which delta syncs go on; '' before the first
    measured_of TEXT NOT NULL, -- the mark_of of what follows; '' before the first
    missed      INTEGER,          -- of the changes between the last two full syncs, those that the feed did not name
    changes     INTEGER,          -- those changes; both NULL while nothing is measured
    measured_at INTEGER
) STRICT, WITHOUT ROWID;

-- Activities that were seen, for two days, so that one that is read again is not taken for a new one.
CREATE TABLE activities_seen (
    console    TEXT NOT NULL,
    id         TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (console, id)
) STRICT, WITHOUT ROWID;

-- Whom the feed names as the author of what a snapshot found changed of a principal.
CREATE TABLE change_authors (
    console        TEXT NOT NULL,
    snapshot_seq   INTEGER NOT NULL,
    principal_kind TEXT NOT NULL,
    principal_id   TEXT NOT NULL,
    names          TEXT NOT NULL, -- JSON: a list of names, in the order in which they acted
    PRIMARY KEY (console, snapshot_seq, principal_kind, principal_id)
) STRICT, WITHOUT ROWID;

-- Rows that a delta sync found gone; work table.
CREATE TABLE gone (
    snapshot_seq INTEGER NOT NULL,
    collection   TEXT NOT NULL,
    id           TEXT NOT NULL,
    PRIMARY KEY (snapshot_seq, collection, id)
) STRICT, WITHOUT ROWID;

-- delta: the snapshot is what a delta sync changed; '': a whole sync.
ALTER TABLE snapshots ADD COLUMN mode TEXT NOT NULL DEFAULT '';
