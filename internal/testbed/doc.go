// Package testbed starts the real things that integration tests and benchmarks
// run against: a Temporal dev server from the official CLI, and our own programs
// as processes of their own that can be killed.
package testbed
