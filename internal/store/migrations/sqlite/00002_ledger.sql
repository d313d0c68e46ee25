-- +goose Up

-- The principal that an entry is about, as "user/401"; '' for none. It follows from the body.
ALTER TABLE ledger ADD COLUMN subject TEXT NOT NULL DEFAULT '';

DROP TRIGGER ledger_no_update;
UPDATE ledger SET subject =
    json_extract(body, '$.plan.principal.kind') || '/' || json_extract(body, '$.plan.principal.id')
WHERE kind = 'request' AND json_valid(body) AND json_extract(body, '$.plan.principal.kind') IN ('user', 'serviceUser')
  AND json_extract(body, '$.plan.principal.id') <> '';
-- Bodies named no principal where they wrote to the console or proved it: their request does. A key begins
-- with the request and the id of its run, 36 characters, as in "grant/INC-42#<run>/acquire/proof".
UPDATE ledger SET subject = COALESCE((SELECT r.subject FROM ledger r WHERE r.console = ledger.console
    AND r.key = substr(ledger.key, 1, length(ledger.request) + 37) || '/request' AND r.request = ledger.request), '')
WHERE kind IN ('write', 'proof');
-- +goose StatementBegin
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: its rows are never changed');
END;
-- +goose StatementEnd

CREATE INDEX ledger_of_subject ON ledger (console, subject, seq) WHERE subject <> '';
CREATE INDEX ledger_proofs ON ledger (console, subject, seq) WHERE subject <> '' AND kind = 'proof';

-- The worker's signature over number and hash (SealKey.Seal in internal/ledger); '' where it has no key.
ALTER TABLE ledger ADD COLUMN seal TEXT NOT NULL DEFAULT '';

-- A head names an entry that is there, and moves forward only. REPLACE runs no trigger for the row it deletes, so
-- each table has a trigger on INSERT too.
-- +goose StatementBegin
CREATE TRIGGER ledger_heads_insert BEFORE INSERT ON ledger_heads
WHEN EXISTS (SELECT 1 FROM ledger_heads WHERE console = NEW.console)
  OR NOT EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND seq = NEW.seq AND hash = NEW.hash)
BEGIN
    SELECT RAISE(ABORT, 'the head of the ledger only moves forward, to an entry that is there');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_heads_update BEFORE UPDATE ON ledger_heads
WHEN NEW.console <> OLD.console OR NEW.seq <= OLD.seq
  OR NOT EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND seq = NEW.seq AND hash = NEW.hash)
BEGIN
    SELECT RAISE(ABORT, 'the head of the ledger only moves forward, to an entry that is there');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER ledger_heads_no_delete BEFORE DELETE ON ledger_heads BEGIN
    SELECT RAISE(ABORT, 'the head of the ledger is never deleted');
END;
-- +goose StatementEnd

-- A policy stays as requests were planned by it.
-- +goose StatementBegin
CREATE TRIGGER policies_no_replace BEFORE INSERT ON policies
WHEN EXISTS (SELECT 1 FROM policies WHERE hash = NEW.hash) BEGIN
    SELECT RAISE(IGNORE); -- it is there already, as INSERT ... ON CONFLICT DO NOTHING wants it
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER policies_no_update BEFORE UPDATE ON policies BEGIN
    SELECT RAISE(ABORT, 'policies are append-only: requests were planned by them');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER policies_no_delete BEFORE DELETE ON policies BEGIN
    SELECT RAISE(ABORT, 'policies are append-only: requests were planned by them');
END;
-- +goose StatementEnd

-- A delegation is an entry of the ledger, and a later entry replaces it.
-- +goose StatementBegin
CREATE TRIGGER delegations_insert BEFORE INSERT ON delegations
WHEN NOT EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND seq = NEW.entry AND kind = 'delegation')
BEGIN
    SELECT RAISE(ABORT, 'a delegation must be in the ledger');
END;
-- +goose StatementEnd
-- REPLACE would take an older entry; INSERT ... ON CONFLICT DO UPDATE leaves it out anyway.
-- +goose StatementBegin
CREATE TRIGGER delegations_no_replace BEFORE INSERT ON delegations
WHEN EXISTS (SELECT 1 FROM delegations WHERE console = NEW.console AND delegator = NEW.delegator
    AND delegate = NEW.delegate AND entry >= NEW.entry)
BEGIN
    SELECT RAISE(IGNORE);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER delegations_update BEFORE UPDATE ON delegations
WHEN NEW.console <> OLD.console OR NEW.delegator <> OLD.delegator OR NEW.delegate <> OLD.delegate
  OR NEW.entry <= OLD.entry
  OR NOT EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND seq = NEW.entry AND kind = 'delegation')
BEGIN
    SELECT RAISE(ABORT, 'a delegation is replaced by a later entry of the ledger only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER delegations_no_delete BEFORE DELETE ON delegations BEGIN
    SELECT RAISE(ABORT, 'a delegation is replaced by a later entry of the ledger only');
END;
-- +goose StatementEnd
