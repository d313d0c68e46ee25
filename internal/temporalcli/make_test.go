package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine is one without the Temporal CLI: what make needs of the sources, in a folder of its own, a mirror of the
// releases, and a Go that does not build the CLI for minutes.
type machine struct {
	t      *testing.T
	dir    string
	mirror *httptest.Server
	asked  atomic.Int32
}

func newMachine(t *testing.T, answer []byte) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir()}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, name := range []string{
		"Makefile", "go.mod", "go.sum", "tools/go.mod", "tools/go.sum",
		"internal/temporalcli/main.go", "internal/temporalcli/fetch.go",
	} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		m.write(name, string(text))
	}
	script := filepath.Join("tools", "temporal-cli.sh")
	require.NoError(t, os.Symlink(filepath.Join(root, script), filepath.Join(m.dir, script)))
	pins, err := os.ReadFile(pinsOf(t, release(t)))
	require.NoError(t, err)
	m.write("tools/temporal-cli.pins", string(pins))
	m.mirror = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.asked.Add(1)
		_, _ = w.Write(answer)
	}))
	t.Cleanup(m.mirror.Close)
	return m
}

// write writes a file that nobody runs. Programs are those of the repository: one that a test has just written cannot
// be run ("text file busy") as long as a process that another test starts meanwhile holds it open.
func (m *machine) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.WriteFile(path, []byte(text), 0o600))
}

// make runs a target, and returns what it says and whether it succeeded.
func (m *machine) make(target string, env ...string) (said string, err error) {
	m.t.Helper()
	realGo, err := exec.LookPath("go")
	require.NoError(m.t, err)
	cmd := exec.CommandContext(m.t.Context(), "make", target)
	cmd.Dir = m.dir
	for _, v := range os.Environ() { // of this make, and of the machine's own CLI
		if !foreign.MatchString(v) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	programs, err := filepath.Abs("testdata/path")
	require.NoError(m.t, err)
	cmd.Env = append(cmd.Env, "PATH="+programs+":/usr/bin:/bin", "REAL_GO="+realGo)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

var foreign = regexp.MustCompile(`^(TEMPORAL_|MAKE|MFLAGS=|PATH=|BUILD=|OWN_SERVER=)`)

// program is what bin/temporal says; "" if it is not there.
func (m *machine) program() string {
	path := filepath.Join(m.dir, "bin", "temporal")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	out, err := exec.CommandContext(m.t.Context(), path).Output()
	require.NoError(m.t, err)
	return string(out)
}

func (m *machine) fromMirror() string { return variable + "=" + m.mirror.URL }

const works = "BUILD=works"

// A machine without the CLI takes the release from a mirror, and no longer asks once it has it.
func TestMake_Mirror(t *testing.T) {
	t.Parallel()
	m := newMachine(t, release(t))
	said, err := m.make("temporal-cli", m.fromMirror())
	require.NoError(t, err, said)
	require.Contains(t, said, "Downloading the official Temporal CLI 1.2.3 into "+m.dir+"/bin/temporal")
	require.Equal(t, "the official one\n", m.program())
	said, err = m.make("temporal-cli", m.fromMirror())
	require.NoError(t, err, said)
	require.NotContains(t, said, "Downloading")
	require.EqualValues(t, 1, m.asked.Load())
}

// Where the release is forbidden, or is not the one that is pinned, the CLI is built, and that is said before.
func TestMake_Builds(t *testing.T) {
	t.Parallel()
	m := newMachine(t, []byte("<html>sign in</html>"))
	said, err := m.make("bin/temporal", variable+"=never", works)
	require.NoError(t, err, said)
	require.Contains(t, said, "TEMPORAL_CLI_DOWNLOAD=never forbids to download it\n"+
		"Building it from source instead: only once, about ")
	require.Equal(t, "the built one\n", m.program())
	require.Zero(t, m.asked.Load())

	require.NoError(t, os.Remove(filepath.Join(m.dir, "bin", "temporal")))
	mirror := strings.Replace(m.mirror.URL, "://", "://ana:hunter2@", 1)
	said, err = m.make("bin/temporal", variable+"="+mirror, works)
	require.NoError(t, err, said)
	require.Contains(t, said, "is not the release: SHA-256 ")
	require.Contains(t, said, "Building it from source instead")
	require.NotContains(t, said, "hunter2")
	require.Equal(t, "the built one\n", m.program())
}

// Where it can be neither downloaded nor built, make says what to do.
func TestMake_Neither(t *testing.T) {
	t.Parallel()
	m := newMachine(t, nil)
	for _, setting := range []string{m.fromMirror(), variable + "=never"} {
		said, err := m.make("temporal-cli", setting)
		require.Error(t, err)
		require.Contains(t, said, "lookup proxy.golang.org: no such host\nThe Temporal CLI can be neither downloaded "+
			"nor built (see above): install it (https://docs.temporal.io/cli), 1.3 or newer, on PATH or as "+
			"TEMPORAL_CLI=FILE, or set TEMPORAL_CLI_DOWNLOAD to the URL of a mirror")
		require.Empty(t, m.program())
	}
}

// A CLI that the machine has is used, unless it is too old.
func TestMake_OwnCLI(t *testing.T) {
	t.Parallel()
	m := newMachine(t, release(t))
	said, err := m.make("temporal-cli", m.fromMirror(), "OWN_SERVER=1.28.0")
	require.NoError(t, err, said)
	require.Zero(t, m.asked.Load())
	said, err = m.make("temporal-cli", m.fromMirror(), "OWN_SERVER=1.28.0", "TEMPORAL_CLI=/nowhere/temporal")
	require.Error(t, err)
	require.Contains(t, said, "TEMPORAL_CLI is set to /nowhere/temporal, which is not an executable program: ")
	said, err = m.make("temporal-cli", m.fromMirror(), "OWN_SERVER=1.26.2")
	require.NoError(t, err, said)
	require.Equal(t, "the official one\n", m.program())
}

// No message shows the password of a mirror.
func TestFetch_HidesThePassword(t *testing.T) {
	t.Parallel()
	for what, answer := range map[string]http.HandlerFunc{
		"not there": http.NotFound, "no bytes": func(http.ResponseWriter, *http.Request) {},
		"wrong":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) },
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		server := httptest.NewServer(answer)
		for _, password := range []string{"hunter2", "hun/ter2", "5%hunter2"} {
			var said strings.Builder
			args := []string{"--pins", pinsOf(t, nil), "--out", filepath.Join(t.TempDir(), "temporal")}
			code := run(t.Context(), args, strings.Replace(server.URL, "://", "://ana:"+password+"@", 1), &said)
			require.Equal(t, exitBuild, code)
			require.NotContains(t, said.String(), "ter2", "%s: %s", what, said.String())
		}
		server.Close()
	}
}
