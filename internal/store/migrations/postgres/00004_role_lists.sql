-- +goose Up
-- Lists of roles that entries of the ledger name by their digest, since they are long. Written in the entry's
-- transaction. The digest is over the list; it is checked when the list is read.
CREATE TABLE role_lists (
    console text  NOT NULL COLLATE "C",
    digest  text  NOT NULL COLLATE "C", -- SHA-256 in hex (Holdings.ListDigest in internal/access)
    list    bytea NOT NULL,             -- JSON (Holdings.List), compressed with gzip
    PRIMARY KEY (console, digest)
);
-- It is compressed already.
ALTER TABLE role_lists ALTER COLUMN list SET STORAGE EXTERNAL;

-- A list stays as entries name it.
CREATE TRIGGER role_lists_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON role_lists
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_kept();
