// Package workflows holds orchestration only: what happens, in which order, and
// who is asked. It is deterministic. Whatever steers a branch comes from the
// input, a message, or an activity's result, never from configuration, a clock,
// a global or chance; the world is touched by package activities alone.
//
//	type  workflow id      messages                              lives      versioning
//	Sync  sync/<console>   query status, updates confirm,        minutes;   pinned
//	                       discard (while quarantined)           quarantined: 7 days
package workflows
