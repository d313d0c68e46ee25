// Package schedule keeps the schedules of syncs in Temporal: when a console is synced by itself, what
// became of the latest syncs, and what the worker sets up from its configuration.
package schedule
