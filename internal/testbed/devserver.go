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

// DevServer is a running dev server of the official Temporal CLI.
type DevServer struct {
	Address string // host and port
	Metrics string // host and port of its Prometheus endpoint
	dbFile  string
	config  []string
	output  *Output
	process *Process
}

// StartDevServer starts a dev server on a free port and waits until it is ready. Its state is in
// dbFile and survives a restart; "" keeps it in memory. config is dynamic configuration of the
// server, such as matching.PollerHistoryTTL="1s".
func StartDevServer(ctx context.Context, dbFile string, config ...string) (*DevServer, error) {
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	metrics, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	s := &DevServer{Address: address, Metrics: metrics, dbFile: dbFile, config: config, output: &Output{}}
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
	for _, value := range s.config {
		args = append(args, "--dynamic-config-value", value)
	}
	if s.dbFile != "" {
		args = append(args, "--db-filename", s.dbFile)
	}
	if s.process, err = StartProcess(s.output, nil, cli, args...); err != nil {
		return err
	}
	return s.ready(ctx)
}

// ready polls until the default namespace exists.
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
			return fmt.Errorf("the Temporal dev server ended; its output ends: %s", s.output.Tail())
		case <-ctx.Done():
			return fmt.Errorf("the Temporal dev server is not ready: %w; its output ends: %s", err, s.output.Tail())
		}
	}
}

// Client connects with our data converter and without logs.
func (s *DevServer) Client(ctx context.Context) (client.Client, error) {
	return s.ClientWithKeys(ctx, nil)
}

// ClientWithKeys is [DevServer.Client] for payloads that are encrypted with keys.
func (s *DevServer) ClientWithKeys(ctx context.Context, keys codec.Keys) (client.Client, error) {
	return client.DialContext(ctx, client.Options{
		HostPort: s.Address, Identity: "test", DataConverter: codec.DataConverter(keys), Logger: quiet{},
	})
}

// Kill kills the server, as in a crash.
func (s *DevServer) Kill() { s.process.Kill() }

// Restart starts a killed server again at the same address, with the state of its dbFile.
func (s *DevServer) Restart(ctx context.Context) error { return s.start(ctx) }

// UseDatabase has the next restart begin with another file, such as a new one: all workflows are lost.
func (s *DevServer) UseDatabase(dbFile string) { s.dbFile = dbFile }

// Stop kills the server; use it when the state is no longer needed.
func (s *DevServer) Stop() {
	if s.process != nil { // nil if start failed early
		s.process.Kill()
	}
}

// TemporalCLI returns the path of the official CLI: TEMPORAL_CLI, else the one on PATH, else
// the one that `make bin/temporal` builds.
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

// quiet discards the logs of the SDK.
type quiet struct{}

var _ log.Logger = quiet{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
