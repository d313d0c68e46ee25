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
