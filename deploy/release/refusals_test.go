package main

import (
	"bytes"
	"go/build"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A release that nobody could build again is refused, and leaves nothing.
func TestRelease_RefusesChanges(t *testing.T) {
	t.Parallel()
	root, out := checkout(t), filepath.Join(t.TempDir(), "dist")
	require.NoError(t, os.WriteFile(filepath.Join(root, "worker", "more.go"), []byte("package main\n"), 0o600))
	r := small(root, out)
	require.ErrorContains(t, r.write(t.Context(), io.Discard), "changes that are not committed")
	left, err := os.ReadDir(filepath.Dir(out))
	require.NoError(t, err)
	require.Empty(t, left)

	r.allowChanges = true
	require.NoError(t, r.write(t.Context(), io.Discard))
	require.Contains(t, contents(t, out), "worker-v1.2.3+dirty-linux-arm64")
	require.NoError(t, r.write(t.Context(), io.Discard), "a release may replace another")
}

func TestRelease_RefusesFilesOfOthers(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(out, "thesis.txt"), nil, 0o600))
	require.ErrorContains(t, small(checkout(t), out).write(t.Context(), io.Discard), "holds files, and no release")
	require.FileExists(t, filepath.Join(out, "thesis.txt"))
}

func TestRelease_NeedsACommit(t *testing.T) {
	t.Parallel()
	root := checkout(t)
	require.NoError(t, os.RemoveAll(filepath.Join(root, ".git")))
	err := small(root, filepath.Join(t.TempDir(), "dist")).write(t.Context(), io.Discard)
	require.ErrorContains(t, err, "names no commit")
}

func TestCheckStatic(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	require.NoError(t, err)
	require.ErrorContains(t, checkStatic(sh), "not static")
}

func TestRun_Usage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--nothing"}, {"now"}} {
		var stderr bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), args, io.Discard, &stderr))
		require.NotEmpty(t, stderr.String())
	}
	var stderr bytes.Buffer
	require.Equal(t, exitFailed, run(t.Context(), []string{"--root", t.TempDir()}, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "Dockerfile")
}

// What a release and its images name is what this repository has, and what its Dockerfile builds.
func TestOurs(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	_, err = pinnedGo(root)
	require.NoError(t, err)
	names := map[string]bool{}
	for _, p := range ours {
		found, err := build.ImportDir(filepath.Join(root, p.module, p.pkg), 0)
		require.NoError(t, err)
		require.Equal(t, "main", found.Name, p.name)
		require.FileExists(t, filepath.Join(root, p.module, "go.mod"))
		names[p.name] = true
	}
	for _, i := range ourImages {
		for _, p := range i.programs {
			require.True(t, names[p], p)
		}
		for _, line := range []string{
			`ENTRYPOINT ["` + i.programs[0] + `"]`, "USER 65532:65532", "WORKDIR " + i.workingDir,
			"ENV PATH=/usr/local/bin", "/" + caPath[:strings.LastIndex(caPath, "/")+1],
		} {
			require.Contains(t, string(dockerfile), line)
		}
	}
}
