// Package fault is the one place where Go errors become Temporal failures.
//
// Temporal looks at the outermost error only: it would retry an activity that
// returns fmt.Errorf("…: %w", final) for ever. So activities return plain Go
// errors, wrapped as they like, and the interceptor of this package finds the
// kind (package kinds) anywhere in the chain and puts it outermost. Nothing else
// in the project builds an ApplicationError for an activity.
package fault
