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

// serverVar names the variable with the URL of a server that tests may use. Its user
// must be allowed to create databases.
const serverVar = "TEST_DATABASE_URL"

// patience bounds each step against a server.
const patience = time.Minute

var (
	once    sync.Once
	running *server
	problem error
)

// Main runs the tests of a package and stops the throwaway server afterwards. Without
// it the server is ended by the kernel together with the test process (on Linux), but
// its temporary folder stays.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// m is the testing.M, or something that prepares more around it.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if running != nil {
		running.stop()
	}
	os.Exit(code)
}

// URL creates an empty database for one test and drops it when the test ends. It
// skips the test where there is neither TEST_DATABASE_URL nor PostgreSQL on the
// machine, and fails it when CI is set.
func URL(tb testing.TB) string {
	tb.Helper()
	base := serverURL(tb)
	name := "test_" + strings.ToLower(rand.Text())
	execute(tb, base, "CREATE DATABASE "+name)
	tb.Cleanup(func() { execute(tb, base, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return withDatabase(tb, base, name)
}

// Start starts a throwaway server for a program that is no test, and returns the URL
// of an empty database on it for each call of database. Call stop at the end.
func Start() (database func(ctx context.Context, name string) (string, error), stop func(), err error) {
	bin := findBinaries()
	if bin == "" {
		return nil, nil, errors.New("there is no PostgreSQL on this machine: install the postgresql package")
	}
	s, err := start(bin)
	if err != nil {
		return nil, nil, err
	}
	return s.database, s.stop, nil
}

func (s *server) database(ctx context.Context, name string) (string, error) {
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
	bin := findBinaries()
	if bin == "" {
		const how = "there is no PostgreSQL to test against: install the postgresql package, " +
			"or set " + serverVar + " to the URL of a server that may be used"
		if os.Getenv("CI") != "" {
			tb.Fatal(how)
		}
		tb.Skip(how)
	}
	once.Do(func() { running, problem = start(bin) })
	if problem != nil {
		tb.Fatalf("the throwaway PostgreSQL server does not start: %v", problem)
	}
	return running.url
}

func execute(tb testing.TB, base, statement string) {
	tb.Helper()
	// The context of a test is over when it cleans up.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		tb.Fatalf("the PostgreSQL server for tests does not answer: %v", err)
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

// connects says whether the server answers.
func connects(base string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return conn.Close(ctx)
}
