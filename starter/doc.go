// Command starter is what people type: it checks the set-up, starts and watches
// syncs, answers who can do what from the store, and asks for roles and against them.
//
// Each file is one command: what it takes, then what it does. It exits 0 when
// the thing is done, 1 when it failed or was refused, 2 when it was called wrongly
// (flags, arguments, environment). The answer goes to standard output,
// everything said about it to standard error, so that output can be piped.
package main
