// Package fault is the one place where Go errors become Temporal failures.
//
// Temporal looks at the outermost error only: an activity that returns
// fmt.Errorf("…: %w", final) would be retried for ever. So activities return
// plain Go errors, wrapped as they like, and the interceptor of this package
// finds the kind anywhere in the chain and puts it outermost. Nothing else in
// the project builds an ApplicationError for an activity.
//
// The kinds are error types on the wire: people match on them in scripts.
package fault
