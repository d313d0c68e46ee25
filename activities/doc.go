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
//	Request.Plan        works out what a request means        run of the request
//	Request.Apply       has the principal's writer change it  key of the change
//	Request.Close       writes the receipt                    run of the request
//	Principal.Write     changes roles, or deletes, and proves key of the change
//	Principal.Confirm   looks once more                       reads only
//	User.Create         makes a user and proves it            key of the change
//	ServiceUser.Create  the same, and its token to the sink   key of the change
//
// Activities return plain Go errors; internal/fault turns them into Temporal
// failures. None of them retries: one layer does, and it is Temporal.
package activities
