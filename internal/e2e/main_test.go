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
	// programs are built once for all tests.
	programs testbed.Programs
	// shared serves every test that does not kill its Temporal server.
	shared *testbed.DevServer
)

const startLimit = 2 * time.Minute

func TestMain(m *testing.M) { pgtest.Main(setUp{m}) }

// setUp prepares what all tests share around their run.
type setUp struct{ m *testing.M }

// Run implements what pgtest.Main runs.
func (s setUp) Run() int {
	code, err := s.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

// maxParallel is how many tests run side by side: they wait more than they compute.
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
