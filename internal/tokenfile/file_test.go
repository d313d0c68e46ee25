package tokenfile_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/tokenfile"
)

func newFile(t *testing.T) (tokenfile.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("old-token\n"), 0o600))
	return tokenfile.File(path), path
}

func requireText(t *testing.T, path, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(text))
}

// The file is replaced whole, keeps its mode, and nothing is left beside it but the lock.
func TestReplace(t *testing.T) {
	t.Parallel()
	f, path := newFile(t)
	require.NoError(t, os.Chmod(path, 0o640))
	require.NoError(t, f.Check())
	requireText(t, path, "old-token\n")
	require.NoError(t, f.Rewrite())
	requireText(t, path, "old-token\n")
	require.NoError(t, f.Replace("new-token"))
	requireText(t, path, "new-token")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	there, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, there, 1)
}

// Where the path is a link, its target is replaced, and the link stays.
func TestReplace_Link(t *testing.T) {
	t.Parallel()
	_, path := newFile(t)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(path, link))
	require.NoError(t, tokenfile.File(link).Replace("new-token"))
	requireText(t, path, "new-token")
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, path, target)
}

// A reader finds the old token or the new one, never a part.
func TestReplace_Whole(t *testing.T) {
	t.Parallel()
	f, path := newFile(t)
	require.NoError(t, f.Replace("token-a"))
	var writing sync.WaitGroup
	writing.Go(func() {
		for range 50 {
			if f.Replace("token-b") != nil || f.Replace("token-a") != nil {
				return
			}
		}
	})
	for range 500 {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, []string{"token-a", "token-b"}, string(text))
	}
	writing.Wait()
	requireText(t, path, "token-a")
}

// What cannot be replaced is an error that names the variable, and never the token.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file tokenfile.File
		want string
	}{
		"no file":   {"", "SENTINELONE_API_TOKEN, which it cannot change"},
		"missing":   {tokenfile.File(filepath.Join(t.TempDir(), "token")), "no such file"},
		"a folder":  {tokenfile.File(t.TempDir()), "no regular file"},
		"read-only": {"/proc/version", "not in a mounted secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, locked := c.file.Lock()
			for _, err := range []error{c.file.Check(), c.file.Replace("secret-token"), c.file.Rewrite(), locked} {
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "SENTINELONE_API_TOKEN_FILE")
				require.NotContains(t, err.Error(), "secret-token")
			}
		})
	}
}

// One attempt at a time holds the lock, in one process too, and the end of it frees the file.
func TestLock(t *testing.T) {
	t.Parallel()
	f, path := newFile(t)
	unlock, err := f.Lock()
	require.NoError(t, err)
	_, err = f.Lock()
	require.ErrorIs(t, err, tokenfile.ErrLocked)
	other, _ := newFile(t)
	free, err := other.Lock()
	require.NoError(t, err)
	free()
	require.NoError(t, f.Replace("new-token"), "the lock is not of the file that is replaced")
	_, err = tokenfile.File(path).Lock()
	require.ErrorIs(t, err, tokenfile.ErrLocked)
	unlock()
	unlock, err = f.Lock()
	require.NoError(t, err)
	unlock()
}
