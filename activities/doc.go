// Package activities is the only code, with package activities/sync, that reaches the console, the store and the
// Temporal server. Every activity may run twice, at once or after a crash, and has the same effect as running once.
//
//	activity            what it does                               idempotent by
//	Request.Plan        works out what a request would change      run of the request
//	Request.Apply       sends the change to the principal's writer key of the change
//	Request.Decide      records a decision                         run of the request and number of the decision
//	Request.Delegate    records a delegation                       run of the request
//	Request.Close       writes the receipt                         run of the request
//	Principal.Write     changes roles or deletes, and verifies     key of the change
//	Principal.Confirm   reads the principal once more              reads only
//	User.Create         creates a user and verifies it             key of the change
//	ServiceUser.Create  the same, and stores its token             key of the change
//	Notify.Announce     starts the delivery of an event            id of the event
//	Notify.Send         delivers an event to one receiver          id of the event; receivers drop repeats
//	Notify.GaveUp       records that a delivery did not succeed    id of the event
//
// Activities return plain Go errors, which internal/fault turns into Temporal failures. They do not retry: Temporal
// does.
package activities
