-- +goose Up

-- To find a person among a million by address or by name. An index in the order of the names would be written in
-- random order, page by page: a first sync of a million users would take half as much time again. These are one index
-- for each 8,192 rows, which are written one after the other; a search looks into each of them (findNamed).
CREATE INDEX entities_by_email ON entities ((row_id >> 13), email_folded) WHERE email_folded <> '';
CREATE INDEX entities_by_name ON entities ((row_id >> 13), name);
