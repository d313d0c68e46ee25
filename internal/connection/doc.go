// Package connection says in one word how the connection to a console is, and in one line per rung why.
//
// A check gathers [Evidence]: facts with the time at which each was found. [Judge] turns evidence and a time into a
// [Report]. It is pure, so that the worker, `starter status` and tests come to the same answer from the same evidence.
// Whoever shows a report judges anew: a label is only as good as the age of what proves it. In particular,
// [Connected] is never said unless the console has answered and accepted the token within [MaxCheckAge], and a proven
// full sync has ended within [MaxSyncAge].
package connection
