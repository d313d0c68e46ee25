package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/testbed"
)

// shared is the Temporal server of all tests that do not stop theirs.
var shared *testbed.DevServer

const startLimit = 10 * time.Minute

// maxParallel is how many tests run at once. They are idle most of the time.
const maxParallel = "4"

func TestMain(m *testing.M) { pgtest.Main(setUp{m}) }

// setUp starts the Temporal server around the run of the tests.
type setUp struct{ m *testing.M }

// Run implements the argument of pgtest.Main.
func (s setUp) Run() int {
	code, err := s.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

func (s setUp) run() (int, error) {
	flag.Parse()
	if err := flag.Set("test.parallel", maxParallel); err != nil {
		return 1, err
	}
	for _, name := range []string{workerProgram, starterProgram, connectorProgram, batonProgram} {
		if _, err := os.Stat(program(name)); err != nil {
			return 1, errors.New("no program " + program(name) + ": run `make test`, or `make build conductorone " +
				"bin/baton` and set BIN to the folder bin")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	var err error
	if shared, err = testbed.StartDevServer(ctx, ""); err != nil {
		return 1, err
	}
	defer shared.Stop()
	return s.m.Run(), nil
}

// Names of the programs in BIN.
const (
	workerProgram    = "worker"
	starterProgram   = "starter"
	connectorProgram = "baton-sentinelone-provisioner"
	batonProgram     = "baton"
)

func program(name string) string { return filepath.Join(os.Getenv("BIN"), name) }
