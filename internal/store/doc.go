// Package store keeps what syncs received: every account, site, role, principal and
// assignment of one or more consoles, over time; and the ledger of requests. It uses
// SQLite by default and PostgreSQL if several machines share one database; both have the
// same tables and pass the same tests.
//
// # Files
//
//   - sync_*: write a snapshot, from [Store.Begin] to [Store.Promote] or [Store.Discard]
//   - read_*: answer queries about access, now or in the past
//   - ledger_*: append to the ledger, read and verify it
//   - request_*: policies, delegations and waits of requests
//   - sql_*: what both databases share: connections, migrations, batches, encoding
//
// # How a sync is written
//
// [Store.Begin] opens a snapshot. Each collection is then drained: [Store.SavePage] saves
// a page of the console as one row, together with the cursor of the next page, in one
// transaction; [Store.LoadPage] turns it into rows afterwards, in small transactions that
// can be repeated. A process killed at any time loses at most the page in flight.
//
// Each row is written once. A new or changed entity goes straight into its final table
// with `since` set to the snapshot that is still being drained. It stays invisible,
// because readers see only rows whose `since` snapshot is promoted. An entity received
// unchanged becomes a narrow row in `unchanged`, an assignment that a principal no longer
// holds one in `closing`. [Store.Promote] sets `until` on rows that are missing or
// replaced, and changes the state of the snapshot, in one transaction: no reader ever sees
// half a sync.
//
// # Terms
//
// A snapshot is proven once it is promoted, or turned out to change nothing (unchanged).
// A collection of an open snapshot is stale if a snapshot begun later has been proven for
// it, and moved if another promotion changed the rows that it was compared with. Readers
// see visible rows; pending rows belong to a snapshot that is not proven.
//
// # Fencing
//
// A drain belongs to an attempt, and each page has a number. A caller with an older
// attempt, or another page than the next, gets [ErrStale] and must stop. The snapshots of
// one console promote in the order in which they began; see [Assessment].
//
// # Ledger
//
// [Store.Append] writes evidence: each entry carries the hash of the one before, and
// [Store.VerifyLedger] finds later changes. Repeating an append does nothing, by the
// entry's key. This package never changes or deletes an entry, and triggers in the
// database refuse it.
//
// # Times
//
// Times are stored as whole microseconds since 1970 in UTC. A promotion is at least one
// microsecond after the previous one of its console, so "as of" is never ambiguous.
package store
