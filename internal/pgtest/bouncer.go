package pgtest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Bouncer starts pgbouncer in transaction mode before the server of databaseURL, with that many
// connections to it, and returns the URL of the same database through it. Any two transactions of a
// client may be on different connections, and any two clients' on the same. Without pgbouncer on the
// machine it skips the test, or fails it if the variable CI is set.
func Bouncer(tb testing.TB, databaseURL string, poolSize int) string {
	tb.Helper()
	bin := findBouncer()
	if bin == "" {
		const how = "pgbouncer is not installed: install the pgbouncer package"
		if os.Getenv("CI") != "" {
			tb.Fatal(how)
		}
		tb.Skip(how)
	}
	behind, err := url.Parse(databaseURL)
	if err != nil {
		tb.Fatalf("the database is no URL: %v", err)
	}
	dir, err := os.MkdirTemp(parentFolder(), "pgbouncer") //nolint:usetesting // another user must reach it
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{dir: dir, exited: make(chan struct{}), output: &strings.Builder{}}
	tb.Cleanup(s.stop)
	if err := s.startBouncer(bin, behind, poolSize); err != nil {
		tb.Fatalf("start pgbouncer: %v", err)
	}
	return s.url
}

func (s *server) startBouncer(bin string, behind *url.URL, poolSize int) error {
	config := filepath.Join(s.dir, "pgbouncer.ini")
	server := fmt.Sprintf("host=%s port=%s user=%s", hostOf(behind), portOf(behind), behind.User.Username())
	if password, given := behind.User.Password(); given {
		server += fmt.Sprintf(" password='%s'", strings.ReplaceAll(password, "'", "''"))
	}
	text := fmt.Sprintf(`[databases]
* = %s
[pgbouncer]
pool_mode = transaction
default_pool_size = %d
max_client_conn = 200
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = any
`, server, poolSize, s.dir)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil { //nolint:gosec // pgbouncer's user reads it
		return err
	}
	attr, err := unprivilegedUser(s.dir)
	if err != nil {
		return err
	}
	s.url = (&url.URL{
		Scheme: "postgres", User: behind.User, Path: behind.Path,
		RawQuery: url.Values{"host": {s.dir}, "port": {"6432"}, "sslmode": {"disable"}}.Encode(),
	}).String()
	s.cmd = s.command(attr, bin, config)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	if err := s.startProcess(); err != nil {
		return err
	}
	return s.waitUntilReady()
}

// findBouncer is the path of pgbouncer, "" if it is not installed. Debian puts it where only root's
// PATH leads.
func findBouncer() string {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func hostOf(u *url.URL) string {
	if host := u.Query().Get("host"); host != "" {
		return host
	}
	return u.Hostname()
}

func portOf(u *url.URL) string {
	for _, port := range []string{u.Query().Get("port"), u.Port()} {
		if port != "" {
			return port
		}
	}
	return "5432"
}
