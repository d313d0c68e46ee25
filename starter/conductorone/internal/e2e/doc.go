// Package e2e tests the connector as people run it: the binary, in service mode and by its one-shot flags, against a
// real Temporal server, the worker, a simulated console and a simulated ConductorOne, read with the baton CLI.
//
// The programs come from the folder in the variable BIN, which `make test` sets: worker, starter, baton and
// baton-sentinelone-provisioner.
package e2e
