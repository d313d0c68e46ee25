-- +goose Up

-- What a whole drain came to, counted once: rows received as they were, and rows new or changed. NULL until then.
ALTER TABLE drains ADD COLUMN seen_rows BIGINT;
ALTER TABLE drains ADD COLUMN pending_rows BIGINT;
