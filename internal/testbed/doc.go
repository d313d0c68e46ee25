// Package testbed starts what integration tests and benchmarks run against: a Temporal dev
// server of the official CLI, and our own programs as separate processes that a test can kill.
package testbed
