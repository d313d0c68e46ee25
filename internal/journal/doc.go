// Package journal says in plain sentences what happened on a console: what the ledger records, and what syncs did. It
// reads the store, and of a single sync Temporal's history.
package journal
