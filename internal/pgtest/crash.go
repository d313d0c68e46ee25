//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a throwaway server of one test, which the test may crash.
type Server struct {
	s         *server
	walWriter int // the process that writes to the disk what nobody waits for; it is stopped
}

// StartServer starts a server whose crash loses every transaction that nobody has waited for: what
// would write them to the disk meanwhile is stopped. settings are further settings, name=value. It
// skips the test, or fails it, as [URL] does.
func StartServer(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	bin := binaries(tb)
	started, err := startServer(bin, append([]string{"bgwriter_lru_maxpages=0", "autovacuum=off"}, settings...)...)
	if err != nil {
		tb.Fatalf("start a PostgreSQL server for this test: %v", err)
	}
	s := &Server{s: started}
	tb.Cleanup(func() {
		_ = syscall.Kill(s.walWriter, syscall.SIGCONT) // where it is gone, there is nothing to do
		started.stop()
	})
	if err := s.stopWALWriter(); err != nil {
		tb.Fatal(err)
	}
	return s
}

func (s *Server) stopWALWriter() error {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.s.url)
	if err != nil {
		return fmt.Errorf("connect to the PostgreSQL server of this test: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()        // nothing was written
	again := time.NewTicker(5 * time.Millisecond) // it starts beside the first connections
	defer again.Stop()
	for {
		err = conn.QueryRow(ctx, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'").Scan(&s.walWriter)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
		<-again.C
	}
	if err != nil {
		return fmt.Errorf("find the WAL writer: %w", err)
	}
	return syscall.Kill(s.walWriter, syscall.SIGSTOP)
}

// Database creates an empty database and returns its URL. Its files are on the disk.
func (s *Server) Database(ctx context.Context, name string) (string, error) {
	return s.s.createDatabase(ctx, name)
}

// Folder has the server's socket and its data; the server's user owns it.
func (s *Server) Folder() string { return s.s.dir }

// Crash ends the server at once, as a crash of its machine would: what is not on the disk is lost.
func (s *Server) Crash() error {
	if err := s.s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return fmt.Errorf("crash the PostgreSQL server: %w", err)
	}
	_ = syscall.Kill(s.walWriter, syscall.SIGKILL) // stopped, it would not end by itself
	select {
	case <-s.s.exited:
		return nil
	case <-time.After(stepTimeout):
		return fmt.Errorf("the PostgreSQL server still runs %s after SIGQUIT", stepTimeout)
	}
}

// Running says that the server has not ended.
func (s *Server) Running() bool {
	select {
	case <-s.s.exited:
		return false
	default:
		return true
	}
}

// Processes are the ids of the server's processes, its first one and those that it has started; none if
// it has ended.
func (s *Server) Processes() []int {
	if !s.Running() {
		return nil
	}
	first := s.s.cmd.Process.Pid
	out := []int{first}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil { // it only fails for a malformed pattern
		return out
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		_, after, found := strings.Cut(string(text), ") ")
		fields := strings.Fields(after)
		if err != nil || !found || len(fields) < 2 || fields[1] != strconv.Itoa(first) {
			continue // it has ended meanwhile, or is not a child
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// Restart starts a server that has crashed; it recovers what is on the disk.
func (s *Server) Restart() error {
	attr, err := unprivilegedUser(s.s.dir)
	if err != nil {
		return err
	}
	if err := s.s.start(attr); err != nil {
		return err
	}
	return s.stopWALWriter()
}

// binaries is findBinaries for a test, which it skips, or fails, where there are none.
func binaries(tb testing.TB) string {
	tb.Helper()
	bin := findBinaries()
	if bin == "" {
		const how = "PostgreSQL is not installed: install the postgresql package, " +
			"or set " + serverVar + " to the URL of a server that tests may use"
		if os.Getenv("CI") != "" {
			tb.Fatal(how)
		}
		tb.Skip(how)
	}
	return bin
}
