-- +goose Up
-- PostgreSQL has a table here. SQLite serves one machine, and usually one worker, whose budgets are in its memory.
SELECT 1;
