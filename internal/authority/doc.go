// Package authority decides whether a write to the console is covered: whether it may be
// sent, at the moment at which it would be sent. The activities that hold the console's
// token ask it, since Temporal's namespace is not trusted: whoever reaches it can start any
// workflow and send any update, and an activity's input is what such a caller says.
//
// A write is judged by its effect, not by its name: by the list to be sent against the list
// just read. Nothing of that comes from an input. The ledger says what was requested,
// planned, decided, written and released ([RecordOf]); the policy is the one whose hash
// stands in the first plan, decided again; signatures are verified again.
//
//	on both lists                  needs no authority
//	new                            needs a request whose plan names it, with the approvals
//	                               that its policy asks for, in force now; or the ledger
//	                               shows that a lease of ours had replaced it; or the rule
//	                               for the last role names it
//	gone                           needs a reason on record: a request, an end, a lease
//	                               that is over
//	the principal itself           needs a request to delete it, or that rule
//
// The answer is a [Verdict]. An error means that the answer is not known yet, as while a
// file cannot be read: the caller tries again and writes nothing meanwhile.
//
// docs/security.md lists the cases one by one.
package authority
