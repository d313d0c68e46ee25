// Package reconciler ends what is overdue: access of ours that is still in force a minute after its end, since its
// workflows were terminated, paused or lost. A [Ticker] runs in each worker process, also while Temporal cannot be
// reached; of all processes on a database, one is at work for a console. The others stand by: what is overdue for
// longer, they release too.
//
// It decides nothing by itself. The store lists the claims that are past their end, and the activities' code releases
// them from the ledger's evidence, under the lock of their principal: see activities.Principal.ReleaseOverdue. After
// a release, people are told and the writer of the principal is mended, once Temporal can be reached.
package reconciler
