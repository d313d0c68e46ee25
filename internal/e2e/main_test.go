package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/testbed"
)

var (
	// programs are built once, for all tests.
	programs testbed.Programs
	// shared is the Temporal server of all tests that do not kill theirs.
	shared *testbed.DevServer
)

// startLimit is for a machine under load that has built none of the programs yet.
const startLimit = 10 * time.Minute

func TestMain(m *testing.M) { pgtest.Main(setUp{m}) }

// setUp builds the programs and starts the Temporal server around the run of the tests.
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

// maxParallel is how many tests run at once. They are idle most of the time.
const maxParallel = "6"

func (s setUp) run() (int, error) {
	flag.Parse()
	if err := flag.Set("test.parallel", maxParallel); err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if programs, err = testbed.Build(ctx, dir); err != nil {
		return 1, err
	}
	if shared, err = testbed.StartDevServer(ctx, ""); err != nil {
		return 1, err
	}
	defer shared.Stop()
	return s.m.Run(), nil
}
