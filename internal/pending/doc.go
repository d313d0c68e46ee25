// Package pending lists the running requests that wait for decisions, and says who is
// eligible to decide them. It reads Temporal only: search attributes and status queries.
// So an approver needs neither a console nor a database.
package pending
