-- +goose Up
-- Which schedules of syncs workers have set up from their configuration: what an operator changes of them later stays.
CREATE TABLE schedules_set_up (
    console   TEXT COLLATE "C" NOT NULL,
    namespace TEXT COLLATE "C" NOT NULL, -- id of Temporal's namespace
    schedule  TEXT COLLATE "C" NOT NULL, -- its id in Temporal
    settings  TEXT COLLATE "C" NOT NULL, -- as workers set it up last
    at        BIGINT           NOT NULL, -- microseconds since 1970, UTC
    PRIMARY KEY (console, namespace, schedule)
);
