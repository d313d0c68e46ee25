package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// serverVar is the environment variable with the URL of a server that tests may use. Its
// user must be allowed to create databases.
const serverVar = "TEST_DATABASE_URL"

// stepTimeout bounds each operation on a server.
const stepTimeout = time.Minute

var (
	startOnce sync.Once
	shared    *server
	errStart  error
)

// Main runs the tests of a package and stops the throwaway server afterwards. Without it
// the kernel stops the server together with the test process (on Linux), but its temporary
// folder stays.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// m is the testing.M, or a wrapper that prepares more for the tests.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if shared != nil {
		shared.stop()
	}
	os.Exit(code)
}

// URL creates an empty database for one test, returns its postgres:// URL and drops it when
// the test ends. Without TEST_DATABASE_URL and without PostgreSQL on the machine it skips
// the test, or fails it if the variable CI is set.
func URL(tb testing.TB) string {
	tb.Helper()
	base := serverURL(tb)
	name := "test_" + strings.ToLower(rand.Text())
	runStatement(tb, base, "CREATE DATABASE "+name)
	tb.Cleanup(func() { runStatement(tb, base, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return withDatabase(tb, base, name)
}

// Start starts a throwaway server for a program that is not a test. Each call of database
// creates an empty database of that name and returns its URL. Call stop at the end. It is
// an error if PostgreSQL is not installed or does not start.
func Start() (database func(ctx context.Context, name string) (string, error), stop func(), err error) {
	bin := findBinaries()
	if bin == "" {
		return nil, nil, errors.New("PostgreSQL is not installed: install the postgresql package")
	}
	s, err := startServer(bin)
	if err != nil {
		return nil, nil, err
	}
	return s.createDatabase, s.stop, nil
}

func (s *server) createDatabase(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }() // the statement has succeeded or its error is returned
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", err
	}
	u, err := url.Parse(s.url)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

func serverURL(tb testing.TB) string {
	tb.Helper()
	if given := os.Getenv(serverVar); given != "" {
		return given
	}
	bin := binaries(tb)
	startOnce.Do(func() { shared, errStart = startServer(bin) })
	if errStart != nil {
		tb.Fatalf("start the throwaway PostgreSQL server: %v", errStart)
	}
	return shared.url
}

func runStatement(tb testing.TB, base, statement string) {
	tb.Helper()
	// The context of a test is cancelled before its cleanup runs.
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		tb.Fatalf("connect to the PostgreSQL server for tests: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }() // the statement has succeeded or the test has failed
	if _, err := conn.Exec(ctx, statement); err != nil {
		tb.Fatalf("%s on the PostgreSQL server for tests: %v", statement, err)
	}
}

func withDatabase(tb testing.TB, base, name string) string {
	tb.Helper()
	u, err := url.Parse(base)
	if err != nil || u.Scheme == "" {
		tb.Fatalf("%s is not a URL: write postgres://user:password@host:5432/database", serverVar)
	}
	u.Path = "/" + name
	return u.String()
}

// connectOnce returns an error if the server does not accept a connection.
func connectOnce(base string) error {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return conn.Close(ctx)
}
