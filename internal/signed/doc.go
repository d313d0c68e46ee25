// Package signed verifies the signatures of people on what they send to running workflows,
// and records each use of a signature: what was signed counts once. It knows for each run
// whether signatures are required, which holds for the life of the run.
package signed
