-- +goose Up
-- Lists of roles that entries of the ledger name by their digest, since they are long. Written in the entry's
-- transaction. The digest is over the list; it is checked when the list is read.
CREATE TABLE role_lists (
    console TEXT    NOT NULL,
    digest  TEXT    NOT NULL, -- SHA-256 in hex (Holdings.ListDigest in internal/access)
    list    BLOB    NOT NULL, -- JSON (Holdings.List), compressed with gzip
    PRIMARY KEY (console, digest)
) STRICT, WITHOUT ROWID;

-- A list stays as entries name it.
-- +goose StatementBegin
CREATE TRIGGER role_lists_no_replace BEFORE INSERT ON role_lists
WHEN EXISTS (SELECT 1 FROM role_lists WHERE console = NEW.console AND digest = NEW.digest) BEGIN
    SELECT RAISE(IGNORE); -- it is there already, as INSERT ... ON CONFLICT DO NOTHING wants it
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER role_lists_no_update BEFORE UPDATE ON role_lists BEGIN
    SELECT RAISE(ABORT, 'a list of roles belongs to the ledger: it is never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER role_lists_no_delete BEFORE DELETE ON role_lists BEGIN
    SELECT RAISE(ABORT, 'a list of roles belongs to the ledger: it is never deleted');
END;
-- +goose StatementEnd
