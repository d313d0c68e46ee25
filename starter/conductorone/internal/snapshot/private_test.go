package snapshot

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// leftover makes the folder of a process that is gone: nobody holds its lock.
func leftover(t *testing.T, parent string) string {
	t.Helper()
	gone, err := os.MkdirTemp(parent, privatePattern) //nolint:usetesting // the name is what is tested
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(gone, privateLock), nil, 0o600))
	return gone
}

// Another connector that starts at any moment at which this one makes its folder leaves that alone. The folders of
// processes that are gone are removed.
func TestMakePrivate_AtTheSameTime(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	gone := leftover(t, parent)
	steps := 0
	p, err := makePrivate(parent, func() {
		steps++
		other, err := makePrivate(parent, func() {})
		require.NoError(t, err)
		require.NoError(t, other.close())
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, steps, 2)
	require.FileExists(t, filepath.Join(p.folder, privateLock))
	require.NoDirExists(t, gone)

	removeLeftover(parent)
	require.DirExists(t, p.folder, "it is held")
	require.NoError(t, p.close())
	left, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Empty(t, left)
}

const (
	// asHolder is the variable with the folder in which this test program is another connector.
	asHolder = "SNAPSHOT_TEST_HOLDER"
	// killedAt is the variable with the step of [makePrivate] at which that connector is killed, the first is 1.
	killedAt = "SNAPSHOT_TEST_KILLED_AT"
)

// TestHolder is that other connector: it makes its database, prints where, and runs until it is killed or its input
// ends. Otherwise it tests nothing.
func TestHolder(t *testing.T) {
	t.Parallel()
	parent, is := os.LookupEnv(asHolder)
	if !is {
		return
	}
	if last, is := os.LookupEnv(killedAt); is {
		self, err := os.FindProcess(os.Getpid())
		require.NoError(t, err)
		steps := 0
		_, err = makePrivate(parent, func() {
			if steps++; strconv.Itoa(steps) == last {
				require.NoError(t, self.Kill())
				select {}
			}
		})
		require.NoError(t, err)
		return // there are fewer steps
	}
	p, err := openPrivate(context.Background(), parent)
	require.NoError(t, err)
	fmt.Println(p.folder)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// A connector that is killed leaves its database behind, which only its user may read. The next start removes it, and
// no start removes that of a connector that runs.
func TestOpenPrivate_AfterAKill(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	holder := exec.CommandContext(t.Context(), self, "-test.run", "^TestHolder$")
	holder.Env = append(os.Environ(), asHolder+"="+parent)
	input, err := holder.StdinPipe() // held open
	require.NoError(t, err)
	t.Cleanup(func() { _ = input.Close() })
	output, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	folder := strings.TrimSpace(line)
	start := func() {
		p, err := openPrivate(t.Context(), parent)
		require.NoError(t, err)
		require.NoError(t, p.close())
	}

	start()
	require.DirExists(t, folder, "its connector runs")
	require.NoError(t, holder.Process.Kill())
	require.Error(t, holder.Wait())
	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	info, err = os.Stat(filepath.Join(folder, privateFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	start()
	require.NoDirExists(t, folder)
}

// A connector that is killed while it makes its folder leaves one without a lock. A start leaves that alone as long as
// its process may live, and removes it later.
func TestOpenPrivate_AfterAKillWhileItMakesItsFolder(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	const steps = 4
	for last := 1; last <= steps+1; last++ {
		parent := t.TempDir()
		holder := exec.CommandContext(t.Context(), self, "-test.run", "^TestHolder$")
		holder.Env = append(os.Environ(), asHolder+"="+parent, killedAt+"="+strconv.Itoa(last))
		err := holder.Run()
		require.Equal(t, last > steps, err == nil, "step %d: %v", last, err)
		found, err := os.ReadDir(parent)
		require.NoError(t, err)
		require.Len(t, found, 1)
		folder := filepath.Join(parent, found[0].Name())
		if _, err := os.Stat(filepath.Join(folder, privateLock)); err != nil {
			removeLeftover(parent)
			require.DirExists(t, folder, "step %d: it may be in the making", last)
			ago := time.Now().Add(-2 * unlockedFor)
			require.NoError(t, os.Chtimes(folder, ago, ago))
		}
		removeLeftover(parent)
		require.NoDirExists(t, folder, "step %d", last)
	}
}

// An old folder that lost its lock is removed with what is in it: its process was killed while it removed the folder. A
// process that took very long to make its folder keeps it.
func TestRemoveLeftover_OldFolders(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	halfGone := leftover(t, parent)
	require.NoError(t, os.Remove(filepath.Join(halfGone, privateLock)))
	inUse := leftover(t, parent) // by a process whose lock somebody has removed
	require.NoError(t, os.Rename(filepath.Join(inUse, privateLock), filepath.Join(inUse, privateFile)))
	age := func(folder string) {
		ago := time.Now().Add(-2 * unlockedFor)
		require.NoError(t, os.Chtimes(folder, ago, ago))
	}
	age(halfGone)
	age(inUse)
	steps := 0
	p, err := makePrivate(parent, func() {
		if steps++; steps < 3 { // from then on it holds its lock
			return
		}
		found, err := filepath.Glob(filepath.Join(parent, privatePattern))
		require.NoError(t, err)
		require.Len(t, found, 2)
		for _, folder := range found {
			age(folder)
		}
		removeLeftover(parent)
		for _, folder := range found {
			require.DirExists(t, folder)
		}
	})
	require.NoError(t, err)
	require.NoDirExists(t, halfGone)
	age(p.folder)
	removeLeftover(parent)
	require.DirExists(t, p.folder)
	require.NoError(t, p.close())
	require.NoDirExists(t, p.folder)
	require.DirExists(t, inUse)
}
