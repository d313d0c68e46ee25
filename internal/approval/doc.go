// Package approval is the one machine that judges approvals: who is eligible to decide on
// a request and why others are not, which decisions count, which step is open, and what
// the verdict is. The workflow, the activities, the status, the command line, the inbox,
// `starter policy test`, the verification of receipts and the authority for a write use
// it, so that they cannot disagree.
//
// It is pure: a [State] is a value, every transition returns a new one, and the time is
// an argument. It checks no signatures: the caller does, and puts the fingerprints of the
// verified keys into the decisions.
//
// # Transitions
//
// A state is open until it has a verdict, and then never changes again.
//
//	input                                            state afterwards   event
//	New: the policy asks nobody                      approved
//	New: the policy has steps                        open, first step
//	New: the policy needs approval and has no steps  open, no step      (only the deadline ends it)
//
//	Record: deny                                     denied
//	Record: approve, the step needs more             open, same step
//	Record: approve, the step is complete            open, next step
//	Record: approve, the last step is complete       approved
//
//	OnTimer: at the deadline or later                timedOut           EventTimedOut
//	OnTimer: at the escalation or later, once,
//	         if it makes more people eligible        open, escalated    EventEscalated
//	OnTimer: otherwise                               open               EventReminder
//
//	any input, once there is a verdict               unchanged          EventNone
//
// A decision may be recorded only if [State.Check] has no objection: see there for the
// list of rules, in the order in which they are applied.
//
// # Who is eligible
//
// An approval needs somebody who is eligible for the open step. A denial may also come
// from somebody who is eligible for a later step. Eligible are the people of the step,
// everybody if it asks [access.Anyone], and, once it was escalated, those whom the policy
// escalates to; never the requester or the recipient, and never who asks for an extension.
// A delegate decides for a delegator who is eligible and has not decided; somebody who is
// eligible themselves decides in their own name, and a delegate cannot delegate further.
// Each person and each key counts once for one plan.
package approval
