//go:build unix

package snapshot

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Another user of the machine makes a folder that looks as one of a connector that is gone. Links in it lead to files
// of this user: they are neither locked nor removed, and a folder that others may change is left alone.
func TestRemoveLeftover_LinksOfOthers(t *testing.T) {
	t.Parallel()
	parent, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(elsewhere, []byte("x"), 0o600))
	linked := leftover(t, parent)
	require.NoError(t, os.Remove(filepath.Join(linked, privateLock)))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(linked, privateLock)))
	open := leftover(t, parent)
	require.NoError(t, os.Chmod(open, 0o777))

	_, err := openLock(filepath.Join(linked, privateLock))
	require.Error(t, err)
	removeLeftover(parent)
	require.DirExists(t, linked)
	require.DirExists(t, open)
	require.FileExists(t, elsewhere)

	own := leftover(t, parent)
	info, err := os.Lstat(own)
	require.NoError(t, err)
	require.True(t, isOurs(info))
	removeLeftover(parent)
	require.NoDirExists(t, own)
}
