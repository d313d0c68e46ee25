// Package store keeps what syncs saw: every account, site, role, principal and
// assignment of one or more consoles, over time. It speaks SQLite by default and
// PostgreSQL where several machines share one database; both hold the same tables
// and pass the same tests.
//
// # How a sync is written
//
// [Store.Begin] opens a snapshot. Each collection is then drained: a page of the
// console is saved as one row together with the cursor of the next one
// ([Store.SavePage], one transaction), and turned into rows afterwards
// ([Store.LoadPage], small transactions that can be repeated). A process killed
// anywhere loses at most the page in flight.
//
// Rows are written once. A new or changed entity goes straight into its final
// table, with `since` set to the snapshot that is still being drained, and stays
// invisible because readers see only rows whose `since` snapshot is promoted. What
// is received unchanged leaves a narrow row in `seen`, what a principal no longer
// holds one in `closing`. [Store.Promote] sets `until` on what is gone and flips
// the state of one row, in one transaction: no reader ever sees half a sync.
//
// # Fencing
//
// A drain belongs to an attempt, and a page has a number. Whoever is late gets
// [ErrStale] and must stop: another attempt is ahead of it. Snapshots of one
// console promote in the order in which they began; see [Assessment].
//
// # Ledger
//
// [Store.Append] writes evidence: each entry carries the hash of the one before, and
// [Store.VerifyLedger] finds what was altered since. Repeating an append does nothing, by
// the entry's key. No row is ever changed or deleted here, and triggers in the database
// refuse it.
//
// # Times
//
// Times are kept as whole microseconds since 1970 in UTC. A promotion is always at
// least one microsecond after the previous one of its console, so "as of" is never
// ambiguous.
package store
