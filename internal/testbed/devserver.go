package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/codec"
)

// DevServer is a real Temporal server: the dev server of the official CLI.
type DevServer struct {
	Address string // host and port
	Metrics string // host and port of its Prometheus page
	dbFile  string
	output  *Output
	process *Process
}

// StartDevServer runs a dev server on a free port. With a dbFile its state
// outlives it; "" keeps everything in memory. It answers when this returns.
func StartDevServer(ctx context.Context, dbFile string) (*DevServer, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	metrics, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &DevServer{Address: address, Metrics: metrics, dbFile: dbFile, output: &Output{}}
	if err := s.start(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *DevServer) start(ctx context.Context) error {
	cli, err := TemporalCLI()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return err
	}
	_, metricsPort, err := net.SplitHostPort(s.Metrics)
	if err != nil {
		return err
	}
	args := []string{
		"server", "start-dev", "--headless", "--ip", host, "--port", port,
		"--metrics-port", metricsPort, "--log-level", "error",
	}
	if s.dbFile != "" {
		args = append(args, "--db-filename", s.dbFile)
	}
	if s.process, err = StartProcess(s.output, nil, cli, args...); err != nil {
		return err
	}
	return s.ready(ctx)
}

// ready asks until the default namespace answers.
func (s *DevServer) ready(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := s.Client(ctx)
		if err == nil {
			_, err = c.WorkflowService().DescribeNamespace(ctx, describeDefault())
			c.Close()
		}
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.process.Done():
			return fmt.Errorf("the Temporal dev server ended: %s", s.output.Tail())
		case <-ctx.Done():
			return fmt.Errorf("the Temporal dev server is not ready: %w; it said: %s", err, s.output.Tail())
		}
	}
}

// Client connects with our data converter and without logs.
func (s *DevServer) Client(ctx context.Context) (client.Client, error) {
	return client.DialContext(ctx, client.Options{
		HostPort: s.Address, Identity: "test", DataConverter: codec.DataConverter(nil), Logger: quiet{},
	})
}

// Kill ends the server as a crash would.
func (s *DevServer) Kill() { s.process.Kill() }

// Restart brings a killed server back at the same address, with the state of its
// dbFile.
func (s *DevServer) Restart(ctx context.Context) error { return s.start(ctx) }

// Stop ends the server; its state does not matter any more.
func (s *DevServer) Stop() {
	if s.process != nil { // else it did not get that far
		s.process.Kill()
	}
}

// TemporalCLI finds the official CLI: TEMPORAL_CLI, else on PATH, else where
// `make bin/temporal` puts it.
func TemporalCLI() (string, error) {
	if path := os.Getenv("TEMPORAL_CLI"); path != "" {
		return path, nil
	}
	if path, err := exec.LookPath("temporal"); err == nil {
		return path, nil
	}
	root, err := ModuleRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "temporal")
	if _, err := os.Stat(path); err != nil {
		return "", errors.New("no temporal CLI: run `make bin/temporal`, or set TEMPORAL_CLI")
	}
	return path, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed in the next line
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// quiet drops the SDK's logs.
type quiet struct{}

var _ log.Logger = quiet{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
