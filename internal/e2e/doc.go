// Package e2e tests the whole product: our binaries as processes of their own, a
// real Temporal dev server, a simulated console over HTTP, and a real database.
// It has no code but tests.
package e2e
