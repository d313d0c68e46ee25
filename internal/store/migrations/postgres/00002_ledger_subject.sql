-- +goose Up

-- The principal that an entry is about, as "user/401"; '' for none. It follows from the body.
ALTER TABLE ledger ADD COLUMN subject TEXT COLLATE "C" NOT NULL DEFAULT '';

DROP TRIGGER ledger_append_only ON ledger;
-- A pattern, since PostgreSQL cannot take fields out of JSON with an escaped NUL in it.
UPDATE ledger SET subject = (regexp_match(body,
    '^\{"plan":\{"op":"[A-Za-z]+","console":"[^"\\]*","principal":\{"kind":"(user|serviceUser)","id":"[^"\\]+"'))[1]
    || '/' || (regexp_match(body,
    '^\{"plan":\{"op":"[A-Za-z]+","console":"[^"\\]*","principal":\{"kind":"(?:user|serviceUser)","id":"([^"\\]+)"'))[1]
WHERE kind = 'request' AND body ~
    '^\{"plan":\{"op":"[A-Za-z]+","console":"[^"\\]*","principal":\{"kind":"(user|serviceUser)","id":"[^"\\]+"';
-- Bodies named no principal where they wrote to the console or proved it: their request does. A key begins
-- with the request and the id of its run, 36 characters, as in "grant/INC-42#<run>/acquire/proof".
UPDATE ledger SET subject = COALESCE((SELECT r.subject FROM ledger r WHERE r.console = ledger.console
    AND r.key = substr(ledger.key, 1, length(ledger.request) + 37) || '/request' AND r.request = ledger.request), '')
WHERE kind IN ('write', 'proof');
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();

CREATE INDEX ledger_of_subject ON ledger (console, subject, seq) WHERE subject <> '';
CREATE INDEX ledger_proofs ON ledger (console, subject, seq) WHERE subject <> '' AND kind = 'proof';
