-- +goose Up
-- Up to which entry of the ledger delta syncs have refetched whom writes of ours are about: an entry that is recorded
-- late has an earlier time, but a later number.
ALTER TABLE activity_feeds ADD COLUMN entry BIGINT NOT NULL DEFAULT 0; -- ledger.seq as of read_at; 0: none
ALTER TABLE activity_feeds ADD COLUMN mark_entry BIGINT NOT NULL DEFAULT 0; -- as entry, for mark
UPDATE activity_feeds SET
    entry = COALESCE((SELECT h.seq FROM ledger_heads h WHERE h.console = activity_feeds.console), 0),
    mark_entry = COALESCE((SELECT h.seq FROM ledger_heads h WHERE h.console = activity_feeds.console), 0);
