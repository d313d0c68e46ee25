// Package activities is the only code that touches the world: the console and
// the store. Every activity may run twice, at once or after a crash, and has the
// same effect as running once.
//
//	activity       does                                  idempotent by
//	Sync.Begin     opens a snapshot in the store         snapshot id
//	Sync.Check     proves token and permissions          reads only
//	Sync.Drain     walks one collection, page by page    page number and cursor, fenced in the store
//	Sync.Settle    proves, guards, promotes or holds     snapshot id
//	Sync.Promote   promotes what someone confirmed       snapshot id
//	Sync.Discard   drops what was received               snapshot id
//
// Activities return plain Go errors; internal/fault turns them into Temporal
// failures. None of them retries: one layer does, and it is Temporal.
package activities
