// Package pgtest gives tests a fresh PostgreSQL database each, on the server of
// TEST_DATABASE_URL or else on a throwaway one that it starts once per test process
// from the machine's own binaries.
//
// Only tests import it.
package pgtest
