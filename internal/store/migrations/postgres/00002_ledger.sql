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

-- The worker's signature over number and hash (SealKey.Seal in internal/ledger); '' where it has no key.
ALTER TABLE ledger ADD COLUMN seal TEXT COLLATE "C" NOT NULL DEFAULT '';

-- A head names an entry that is there, and moves forward only.
-- +goose StatementBegin
CREATE FUNCTION ledger_head_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.console <> OLD.console OR NEW.seq <= OLD.seq)
        OR NOT EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND seq = NEW.seq AND hash = NEW.hash) THEN
        RAISE EXCEPTION 'the head of the ledger only moves forward, to an entry that is there';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_heads_move BEFORE INSERT OR UPDATE ON ledger_heads
    FOR EACH ROW EXECUTE FUNCTION ledger_head_moves();
-- +goose StatementBegin
CREATE FUNCTION ledger_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % belongs to the ledger: its rows are never changed or deleted by hand', TG_TABLE_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_heads_kept BEFORE DELETE OR TRUNCATE ON ledger_heads
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_kept();

-- A policy stays as requests were planned by it.
CREATE TRIGGER policies_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON policies
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_kept();

-- A delegation is an entry of the ledger, and a later entry replaces it.
-- +goose StatementBegin
CREATE FUNCTION delegation_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.console <> OLD.console OR NEW.delegator <> OLD.delegator
            OR NEW.delegate <> OLD.delegate OR NEW.entry <= OLD.entry)
        OR NOT EXISTS (SELECT 1 FROM ledger WHERE console = NEW.console AND seq = NEW.entry AND kind = 'delegation') THEN
        RAISE EXCEPTION 'a delegation is replaced by a later entry of the ledger only';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER delegations_follow BEFORE INSERT OR UPDATE ON delegations
    FOR EACH ROW EXECUTE FUNCTION delegation_follows();
CREATE TRIGGER delegations_kept BEFORE DELETE OR TRUNCATE ON delegations
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_kept();
