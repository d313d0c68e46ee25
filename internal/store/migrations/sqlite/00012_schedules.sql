-- +goose Up
-- Which schedules of syncs workers have set up from their configuration: what an operator changes of them later stays.
CREATE TABLE schedules_set_up (
    console   TEXT    NOT NULL,
    namespace TEXT    NOT NULL, -- id of Temporal's namespace
    schedule  TEXT    NOT NULL, -- its id in Temporal
    settings  TEXT    NOT NULL, -- as workers set it up last
    at        INTEGER NOT NULL, -- microseconds since 1970, UTC
    PRIMARY KEY (console, namespace, schedule)
) STRICT, WITHOUT ROWID;
