package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sentinelone-provisioner/internal/consoletest"
)

// The size of the simulated tenant: large enough to have every case, small enough for one
// screen.
const (
	accounts     = 2
	sites        = 6
	users        = 25
	serviceUsers = 10
)

const (
	worker    = "worker"
	taskQueue = "sentinelone"

	startLimit = time.Minute
	// workerGrace is longer than a worker waits for its running activities.
	workerGrace = 90 * time.Second
	otherGrace  = 10 * time.Second
)

// stack is the set of programs that the demo starts, with their files and addresses.
type stack struct {
	options
	dir   string  // logs, databases; removed at the end
	parts []*part // in the order they were started

	console     string // base URL of the simulator
	temporalAt  string // host and port
	ui          string // URL
	preferPorts bool   // use the well-known ports if they are free, so that users need not look them up

	down context.CancelCauseFunc
}

func newStack(o options) (*stack, error) {
	dir, err := os.MkdirTemp(o.temp, "sentinelone-demo-")
	if err != nil {
		return nil, fmt.Errorf("create a folder for the demo's files: %w", err)
	}
	s := &stack{options: o, dir: dir, preferPorts: o.keep}
	if err := os.WriteFile(s.temporalConfig(), nil, 0o600); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// start starts every part, and waits until each is ready before it starts the next. The
// context it returns ends when a part ends unexpectedly; its cause names the part and holds
// its log. Call stop also when start fails.
func (s *stack) start(ctx context.Context) (context.Context, error) {
	ctx, s.down = context.WithCancelCause(ctx)
	for _, part := range []func(context.Context) error{s.startSimulator, s.startTemporal, s.startWorker} {
		if err := part(ctx); err != nil {
			return ctx, err
		}
	}
	return ctx, nil
}

// run starts one program, and cancels the context of start when the program ends.
func (s *stack) run(name, program string, args ...string) (*part, error) {
	p, err := startPart(name, filepath.Join(s.dir, filepath.Base(program)+".log"),
		pairs(append(s.settings(), setting{"LOG_FORMAT", "console"})), program, args...)
	if err != nil {
		return nil, err
	}
	s.parts = append(s.parts, p)
	go func() {
		<-p.process.Done()
		s.down(p.ended())
	}()
	return p, nil
}

func (s *stack) startSimulator(ctx context.Context) error {
	port, err := s.port(ctx, 8080)
	if err != nil {
		return err
	}
	p, err := s.run("console simulator", filepath.Join(s.bin, "console-simulator"),
		"--listen", "127.0.0.1:"+strconv.Itoa(port), "--seed", "7",
		"--accounts", strconv.Itoa(accounts), "--sites", strconv.Itoa(sites),
		"--users", strconv.Itoa(users), "--service-users", strconv.Itoa(serviceUsers))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := p.output.WaitFor(ctx, "\n", 1); err != nil {
		return fmt.Errorf("start the console simulator: %w: %w", context.Cause(ctx), err)
	}
	_, address, ok := strings.Cut(p.output.String(), "listening on ")
	if !ok {
		return &failure{what: "the console simulator did not print the address it listens on", logOf: p}
	}
	address, _, _ = strings.Cut(address, "\n")
	s.console = strings.TrimRight(address, "/")
	return until(ctx, "start the console simulator", startLimit, answers(s.console+"/web/api/v2.1/system/status"))
}

func (s *stack) startTemporal(ctx context.Context) error {
	port, err := s.port(ctx, 7233)
	if err != nil {
		return err
	}
	uiPort, err := s.port(ctx, 8233)
	if err != nil {
		return err
	}
	s.temporalAt = "127.0.0.1:" + strconv.Itoa(port)
	s.ui = "http://127.0.0.1:" + strconv.Itoa(uiPort)
	if _, err := s.run("Temporal server", s.temporal, "server", "start-dev", "--ip", "127.0.0.1",
		"--port", strconv.Itoa(port), "--ui-port", strconv.Itoa(uiPort),
		"--db-filename", filepath.Join(s.dir, "temporal.db"), "--log-level", "error"); err != nil {
		return err
	}
	server, err := newTemporalServer(s.temporalAt)
	if err != nil {
		return err
	}
	defer server.client.Close()
	if err := until(ctx, "start the Temporal server", startLimit, server.serves); err != nil {
		return err
	}
	return until(ctx, "start Temporal's web UI", startLimit, answers(s.ui))
}

func (s *stack) startWorker(ctx context.Context) error {
	if _, err := s.run(worker, filepath.Join(s.bin, "worker")); err != nil {
		return err
	}
	server, err := newTemporalServer(s.temporalAt)
	if err != nil {
		return err
	}
	defer server.client.Close()
	return until(ctx, "start the worker", startLimit, server.polled(taskQueue))
}

func (s *stack) port(ctx context.Context, wellKnown int) (int, error) {
	if !s.preferPorts {
		wellKnown = 0
	}
	return freePort(ctx, wellKnown)
}

// settings is the environment of every program of the stack, and of the commands that users
// type.
func (s *stack) settings() []setting {
	return []setting{
		{"SENTINELONE_BASE_URL", s.console},
		{"SENTINELONE_API_TOKEN", consoletest.DefaultToken},
		{"DATABASE_URL", "sqlite://" + filepath.Join(s.dir, "sentinelone.db")},
		{"TASK_QUEUE", taskQueue},
		{"TEMPORAL_ADDRESS", s.temporalAt},
		{"TEMPORAL_NAMESPACE", "default"},
		// The user's own profiles may name another Temporal server. An empty file has none.
		{"TEMPORAL_CONFIG_FILE", s.temporalConfig()},
	}
}

func (s *stack) temporalConfig() string { return filepath.Join(s.dir, "temporal.toml") }

// host is the console's key in workflow ids and in the store.
func (s *stack) host() string {
	_, host, _ := strings.Cut(s.console, "://")
	return host
}

// stop stops the programs, the last started first, and removes their files.
func (s *stack) stop() error {
	var faults []error
	for _, p := range slices.Backward(s.parts) {
		grace := otherGrace
		if p.name == worker {
			grace = workerGrace
		}
		faults = append(faults, p.stop(grace))
	}
	if s.down != nil {
		s.down(nil)
	}
	return errors.Join(append(faults, os.RemoveAll(s.dir))...)
}
