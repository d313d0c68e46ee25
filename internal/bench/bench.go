package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/testbed"
)

// startLimit is how long a program may take until it is ready.
const startLimit = time.Minute

// bench holds the programs and servers that all measurements share.
type bench struct {
	o        options
	dir      string
	programs testbed.Programs
	temporal *testbed.DevServer
	runs     int

	// PostgreSQL, started when it is first measured.
	newDatabase func(ctx context.Context, name string) (string, error)
	stopServer  func()
}

func newBench(ctx context.Context, o options) (*bench, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	b := &bench{o: o, dir: dir}
	if b.programs, err = testbed.Build(ctx, dir); err != nil {
		return b, errors.Join(err, b.close())
	}
	if b.temporal, err = testbed.StartDevServer(ctx, filepath.Join(dir, "temporal.db")); err != nil {
		return b, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) close() error {
	if b.temporal != nil {
		b.temporal.Stop()
	}
	if b.stopServer != nil {
		b.stopServer()
	}
	return os.RemoveAll(b.dir)
}

// simulator starts a simulated console; stop kills it.
func (b *bench) simulator(
	ctx context.Context, latency time.Duration, args ...string,
) (url string, stop func(), err error) {
	output := &testbed.Output{}
	args = append([]string{"--listen", "127.0.0.1:0", "--latency", latency.String()}, args...)
	p, err := testbed.StartProcess(output, nil, b.programs.Simulator, args...)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	const ready = "listening on "
	if err := output.WaitFor(ctx, ready, 1); err != nil {
		p.Kill()
		return "", nil, err
	}
	_, after, _ := strings.Cut(output.String(), ready)
	url, _, _ = strings.Cut(after, "\n")
	return strings.TrimSpace(url), p.Kill, nil
}

// database creates an empty database: sqlite or postgresql.
func (b *bench) database(ctx context.Context, kind string) (string, error) {
	b.runs++
	switch kind {
	case "sqlite":
		return fmt.Sprintf("sqlite://%s/store-%d.db", b.dir, b.runs), nil
	case "postgresql":
		if b.newDatabase == nil {
			var err error
			b.newDatabase, b.stopServer, err = pgtest.Start() //nolint:contextcheck // close stops the server
			if err != nil {
				return "", err
			}
		}
		return b.newDatabase(ctx, fmt.Sprintf("bench_%d", b.runs))
	}
	return "", fmt.Errorf("unknown database %q: choose sqlite or postgresql", kind)
}

// worker starts a worker with its own console, database and task queue. Its policy requires no
// approval, since waiting for people is not measured.
func (b *bench) worker(ctx context.Context, url, database, queue string) (*testbed.Process, *testbed.Output, error) {
	output := &testbed.Output{}
	policy, err := testbed.PolicyFile(b.dir, testbed.AutoApprove)
	if err != nil {
		return nil, nil, err
	}
	p, err := testbed.StartProcess(output, []string{
		"SENTINELONE_BASE_URL=" + url, "SENTINELONE_API_TOKEN=" + consoletest.DefaultToken,
		"DATABASE_URL=" + database, "TASK_QUEUE=" + queue,
		"TEMPORAL_ADDRESS=" + b.temporal.Address, "LOG_FORMAT=json", policy,
		"CONNECTION_CHECK_EVERY=0", // requests are counted
	}, b.programs.Worker)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := output.WaitFor(ctx, "Worker is ready", 1); err != nil {
		p.Kill()
		return nil, nil, err
	}
	return p, output, nil
}
