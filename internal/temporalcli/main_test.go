package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const program = "#!/bin/sh\necho the official one\n"

// release packs a program as the project does, each time into the same bytes.
func release(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	for _, file := range []struct{ name, text string }{{"LICENSE", "MIT"}, {"temporal", program}} {
		require.NoError(t, files.WriteHeader(&tar.Header{
			Name: file.name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(file.text)),
		}))
		_, err := files.Write([]byte(file.text))
		require.NoError(t, err)
	}
	require.NoError(t, files.Close())
	require.NoError(t, zipped.Close())
	return out.Bytes()
}

// pinsOf pins an archive for this machine, behind one for another.
func pinsOf(t *testing.T, archive []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pins")
	sum := sha256.Sum256(archive)
	line := fmt.Sprintf("# why\n1.2.3 %s other %064d\n1.2.3 %s %s %x\n",
		runtime.GOOS, 0, runtime.GOOS, runtime.GOARCH, sum)
	require.NoError(t, os.WriteFile(path, []byte(line), 0o600))
	return path
}

// TestFetch serves right, wrong and no bytes on a local listener.
func TestFetch(t *testing.T) {
	t.Parallel()
	archive := release(t)
	asset := fmt.Sprintf("/v1.2.3/temporal_cli_1.2.3_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  string // why it is not used; "" if it is
	}{
		"right": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == asset {
				_, _ = w.Write(archive)
			}
		}, ""},
		"wrong": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<html>sign in</html>"))
		}, "is not the release: SHA-256 "},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(archive[:len(archive)-1])
		}, "is not the release: SHA-256 "},
		"none":      {func(http.ResponseWriter, *http.Request) {}, "sent no bytes"},
		"not there": {http.NotFound, "answered 404 Not Found"},
		"hangs up": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("a"))
		}, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.serve)
			defer server.Close()
			out := filepath.Join(t.TempDir(), "bin", "temporal")
			var said bytes.Buffer
			code := run(t.Context(), []string{"--pins", pinsOf(t, archive), "--out", out}, server.URL+"/", &said)
			require.Regexp(t, `^Downloading the official Temporal CLI 1.2.3 into .*: only once, some 60 MB, `+
				`a few seconds `, said.String())
			if c.want == "" {
				require.Equal(t, exitDone, code, said.String())
				got, err := os.ReadFile(out)
				require.NoError(t, err)
				require.Equal(t, program, string(got))
				info, err := os.Stat(out)
				require.NoError(t, err)
				require.EqualValues(t, 0o755, info.Mode())
				return
			}
			require.Equal(t, exitBuild, code)
			require.Contains(t, said.String(), c.want)
			require.Regexp(t, `\nBuilding it from source instead: only once, about \d+ min on the `+
				`\d+ cores of this machine\n$`, said.String())
			left, err := filepath.Glob(filepath.Join(filepath.Dir(out), "*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// A listener that accepts and stays silent, or stops in the middle, does not hold up the build.
func TestFetch_GivesUpOnSilence(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"", "some bytes", strings.Repeat("many bytes", 100_000)} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if first != "" {
				_, _ = w.Write([]byte(first))
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		}))
		f := fetcher{
			os: runtime.GOOS, arch: runtime.GOARCH, base: server.URL, patience: 50 * time.Millisecond,
			pins: pinsOf(t, nil), out: filepath.Join(t.TempDir(), "temporal"),
		}
		require.ErrorIs(t, f.fetch(t.Context(), &bytes.Buffer{}), errStalled)
		server.Close()
	}
}

// A program that cannot be unpacked to its end is not left behind, also if its archive is the one that is pinned.
func TestUnpack_WholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	files := tar.NewWriter(zipped)
	require.NoError(t, files.WriteHeader(&tar.Header{Name: "temporal", Typeflag: tar.TypeReg, Mode: 0o755, Size: 1000}))
	_, err := files.Write([]byte("half of it"))
	require.NoError(t, err)
	require.NoError(t, zipped.Close())
	folder := t.TempDir()
	require.ErrorContains(t, unpack(packed.Bytes(), filepath.Join(folder, "temporal")), "unpack the archive: ")
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

// The time that is said is the one of this machine: the fewer cores, the longer.
func TestBuildTime(t *testing.T) {
	t.Parallel()
	for cores, want := range map[int]string{1: "12 min", 2: "6 min", 8: "1 min", 64: "1 min"} {
		require.Equal(t, fmt.Sprintf("about %s on the %d cores of this machine", want, cores), buildTime(cores))
	}
}

func TestRun_NeverAsksWhereForbidden(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"never": "TEMPORAL_CLI_DOWNLOAD=never forbids to download it", " NEVER ": "forbids to download it",
		"no": `TEMPORAL_CLI_DOWNLOAD="no" is neither never nor the URL of a mirror`,
	} {
		var said bytes.Buffer
		code := run(t.Context(), []string{"--out", filepath.Join(t.TempDir(), "temporal")}, setting, &said)
		require.Equal(t, exitBuild, code)
		require.Contains(t, said.String(), want)
		require.Contains(t, said.String(), "Building it from source instead: only once, about ")
		require.NotContains(t, said.String(), "Downloading")
	}
}

func TestRun_OtherPlatforms(t *testing.T) {
	t.Parallel()
	f := fetcher{os: "plan9", arch: "amd64", pins: "../../tools/temporal-cli.pins"}
	require.ErrorContains(t, f.fetch(t.Context(), &bytes.Buffer{}), "there is none for plan9/amd64 in ")
}

func TestRun_Interrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	var said bytes.Buffer
	args := []string{"--pins", pinsOf(t, nil), "--out", filepath.Join(t.TempDir(), "temporal")}
	require.Equal(t, exitFailed, run(ctx, args, server.URL, &said))
	require.Contains(t, said.String(), "stopped")
	require.NotContains(t, said.String(), "Building")
}

// The pins are of the version that is built otherwise, for each platform that has a release.
func TestPins_AreThoseOfTheVersionThatIsBuilt(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../tools/go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`github.com/temporalio/cli v(\S+)`).FindSubmatch(mod)
	require.NotNil(t, version)
	pins, err := readPins("../../tools/temporal-cli.pins")
	require.NoError(t, err)
	var platforms []string
	for _, p := range pins {
		require.Equal(t, string(version[1]), p.version, "run make temporal-cli-pins")
		raw, err := hex.DecodeString(p.sum)
		require.NoError(t, err)
		require.Len(t, raw, sha256.Size)
		platforms = append(platforms, p.os+"/"+p.arch)
	}
	require.Equal(t, []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64"}, platforms)
}

// --pin takes the checksums that a release publishes, all of them or none.
func TestPin(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("ab", sha256.Size)
	list := ""
	for _, platform := range []string{"darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"} {
		list += sum + "  temporal_cli_2.0.0_" + platform + ".tar.gz\n"
	}
	serve := list + sum + "  temporal_cli_2.0.0_windows_amd64.zip\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2.0.0/checksums.txt" {
			_, _ = w.Write([]byte(serve))
		}
	}))
	defer server.Close()
	path := pinsOf(t, nil)
	pin := func() int {
		return run(t.Context(), []string{"--pins", path, "--pin", "v2.0.0"}, server.URL, &bytes.Buffer{})
	}
	require.Equal(t, exitDone, pin())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "# why\n2.0.0 darwin amd64 "+sum+"\n2.0.0 darwin arm64 "+sum+"\n2.0.0 linux amd64 "+sum+
		"\n2.0.0 linux arm64 "+sum+"\n", string(text))
	serve = "nothing\n"
	require.Equal(t, exitFailed, pin())
	again, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(text), string(again))
}
