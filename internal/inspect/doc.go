// Package inspect finds out whether a sync of a console can work before it
// begins: is the console there, is the token good and for how long, and does
// its role have every permission the sync needs. `starter check` prints the
// report; the first activity of a sync stops at its error.
//
// It tries everything even when something fails, so that a person who has to
// ask an administrator for permissions asks once. It only reads.
//
//	report := inspect.Run(ctx, client, access.Collections(), time.Now())
//	if err := report.Err(); err != nil { … }
package inspect
