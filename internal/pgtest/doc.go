// Package pgtest gives each test a fresh PostgreSQL database: on the server of
// TEST_DATABASE_URL if it is set, else on a throwaway server that it starts once per test
// process from the binaries installed on the machine.
//
// Only tests and the benchmark (internal/bench) import it.
package pgtest
