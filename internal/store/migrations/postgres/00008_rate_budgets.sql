-- +goose Up
-- Up to when all workers have booked the requests of each budget of a console. It is worth nothing after a crash, so it
-- is not logged, and no booking waits for the disk.
CREATE UNLOGGED TABLE rate_budgets (
    console TEXT COLLATE "C" NOT NULL,
    prefix  TEXT COLLATE "C" NOT NULL, -- of paths below the API, such as /users
    next_at BIGINT           NOT NULL, -- when the next request may be sent: microseconds since 1970, UTC
    at      BIGINT           NOT NULL, -- of the latest booking, by the database's clock
    PRIMARY KEY (console, prefix)
);
