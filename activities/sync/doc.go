// Package sync holds the activities of a sync: they copy a console's accounts, sites, roles and principals into a
// snapshot in the store, verify that nothing was missed, and promote the snapshot. Every activity may run twice, at
// once or after a crash, and has the same effect as running once.
//
//	activity       what it does                               idempotent by
//	Sync.Begin     opens a snapshot in the store              snapshot id
//	Sync.Check     checks the token and its permissions       reads only
//	Sync.Drain     pages through one collection               page number and cursor, fenced in the store
//	Sync.Settle    verifies, then promotes or quarantines     snapshot id
//	Sync.Promote   promotes a quarantined snapshot            snapshot id
//	Sync.Discard   drops what a snapshot received             snapshot id
//
// Activities return plain Go errors, which internal/fault turns into Temporal failures. They do not retry: Temporal
// does.
package sync
