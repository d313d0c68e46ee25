package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a throwaway PostgreSQL server with all its files in one folder.
type server struct {
	bin, dir string
	url      string
	settings []string // name=value, besides those of every server
	cmd      *exec.Cmd
	exited   chan struct{} // closed when the process has ended
	output   *strings.Builder
}

// findBinaries returns the folder with initdb and postgres: on PATH, else the newest one
// under /usr/lib/postgresql; "" if PostgreSQL is not installed.
func findBinaries() string {
	folders := filepath.SplitList(os.Getenv("PATH"))
	packaged, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err == nil { // it only fails for a malformed pattern
		slices.SortFunc(packaged, func(a, b string) int { return majorVersion(b) - majorVersion(a) })
		folders = append(folders, packaged...)
	}
	for _, dir := range folders {
		if isExecutable(filepath.Join(dir, "initdb")) && isExecutable(filepath.Join(dir, "postgres")) {
			return dir
		}
	}
	return ""
}

func majorVersion(bin string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	if err != nil {
		return 0
	}
	return n
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// startServer creates a cluster and starts its server, which listens on a Unix socket only.
// Its data is temporary, so it never waits for the disk.
func startServer(bin string, settings ...string) (*server, error) {
	dir, err := os.MkdirTemp(parentFolder(), "pgtest")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the server: %w", err)
	}
	s := &server{bin: bin, dir: dir, settings: settings}
	if err := s.launch(); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) launch() error {
	attr, err := unprivilegedUser(s.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	initdb := s.command(attr, filepath.Join(s.bin, "initdb"),
		"-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	s.url = (&url.URL{
		Scheme: "postgres", User: url.User("postgres"), Path: "/postgres",
		RawQuery: url.Values{"host": {s.dir}, "sslmode": {"disable"}}.Encode(),
	}).String()
	return s.start(attr)
}

// start starts the server on the data that is there.
func (s *server) start(attr *syscall.SysProcAttr) error {
	s.exited, s.output = make(chan struct{}), &strings.Builder{}
	args := []string{"-D", filepath.Join(s.dir, "data"), "-k", s.dir}
	for _, setting := range append([]string{
		"listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200",
		"shared_buffers=128MB",
	}, s.settings...) {
		args = append(args, "-c", setting)
	}
	s.cmd = s.command(attr, filepath.Join(s.bin, "postgres"), args...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.startProcess(); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	return s.waitUntilReady()
}

func (s *server) command(attr *syscall.SysProcAttr, name string, args ...string) *exec.Cmd {
	// The server outlives every test's context; stop ends it.
	cmd := exec.CommandContext(context.Background(), name, args...) //nolint:gosec // the machine's own PostgreSQL
	// The user of the server may have no access to the current folder.
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = attr
	return cmd
}

// startProcess starts the server from a thread that lives as long as this process, because
// the kernel stops the server when the thread that started it ends.
func (s *server) startProcess() error {
	started := make(chan error, 1)
	cmd, exited := s.cmd, s.exited
	go func() {
		runtime.LockOSThread() // never unlocked
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // the output of the server says why it ended
		close(exited)
		select {}
	}()
	return <-started
}

func (s *server) waitUntilReady() error {
	deadline := time.NewTimer(stepTimeout)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := connectOnce(s.url)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("postgres ended while starting: %s", s.output)
		case <-deadline.C:
			return fmt.Errorf("postgres accepts no connection within %s: %w", stepTimeout, err)
		case <-again.C:
		}
	}
}

// stop stops the server and removes its folder.
func (s *server) stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(os.Interrupt) // "fast" shutdown: it closes its connections
		select {
		case <-s.exited:
		case <-time.After(10 * time.Second):
			_ = s.cmd.Process.Kill()
			<-s.exited
		}
	}
	if err := os.RemoveAll(s.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "remove the throwaway PostgreSQL server's folder: %v\n", err)
	}
}

// parentFolder is the folder for temporary files, or /tmp if the path of that one is too
// long for a socket or other users may not enter it.
func parentFolder() string {
	const socketPath = 80 // the kernel allows 107 bytes, including the name of the socket
	dir := os.TempDir()
	if len(dir) > socketPath {
		return "/tmp"
	}
	for d := dir; d != "/" && d != "."; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode()&0o001 == 0 {
			return "/tmp"
		}
	}
	return dir
}
