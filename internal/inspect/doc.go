// Package inspect checks whether a sync of a console can work: does the console answer,
// is the token valid and until when, and does its role have every permission that the
// sync needs. `starter check` prints the report; the first activity of a sync fails
// with its error.
//
// It checks everything even if something fails, so that a person can ask an
// administrator for all missing permissions at once. It only reads.
//
//	report := inspect.Run(ctx, client, access.Collections(), time.Now())
//	if err := report.Err(); err != nil { … }
package inspect
