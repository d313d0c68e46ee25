//go:build unix

package store_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// fileModes are the names of the files in the database's folder, with their modes.
func fileModes(t *testing.T, path string) map[string]fs.FileMode {
	t.Helper()
	found, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	out := map[string]fs.FileMode{}
	for _, name := range found {
		info, err := os.Stat(name)
		require.NoError(t, err)
		out[strings.TrimPrefix(name, path)] = info.Mode().Perm()
	}
	return out
}

// write makes SQLite create the files beside the database.
func write(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.Append(t.Context(), acme, ledger.NewEntry{
		Request: "grant/INC-1", Key: "grant/INC-1#run/cancelled", Body: ledger.Cancelled{Change: "a"},
	})
	require.NoError(t, err)
}

// A database and the files beside it are the owner's alone, whatever the umask.
//
//nolint:paralleltest // the umask belongs to the process
func TestOpen_FilesAreTheOwnersAlone(t *testing.T) {
	for _, umask := range []int{0o000, 0o022, 0o027} {
		old := syscall.Umask(umask)
		path := filepath.Join(t.TempDir(), "test.db")
		s := open(t, "sqlite://"+path)
		write(t, s)
		reader, err := store.OpenReader(t.Context(), "sqlite://"+path)
		syscall.Umask(old)
		require.NoError(t, err)
		require.Equal(t, map[string]fs.FileMode{"": 0o600, "-wal": 0o600, "-shm": 0o600}, fileModes(t, path))
		require.NoError(t, reader.Close())
		require.Empty(t, store.FileNotes("sqlite://"+path))
	}
}

// Opening closes the files of an older database to other users, those of a crashed process
// too. A reader changes nothing.
func TestOpen_ClosesAnOpenDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	link := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(path, link))
	s := open(t, "sqlite://"+path)
	write(t, s)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.Chmod(path+suffix, 0o644))
	}
	reader, err := store.OpenReader(t.Context(), "sqlite://"+path)
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	notes := store.FileNotes("sqlite://" + path)
	require.Len(t, notes, 3)
	require.Contains(t, notes[0], "every user of this machine may open the database file "+path+" (mode 0644)")
	require.Contains(t, notes[0], "chmod 600")

	open(t, "sqlite://"+link)
	require.Equal(t, map[string]fs.FileMode{"": 0o600, "-wal": 0o600, "-shm": 0o600}, fileModes(t, path))
	require.Empty(t, store.FileNotes("sqlite://"+link))
}

// A group that an operator lets read the database keeps that, and the note says so.
func TestOpen_KeepsTheGroup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, "sqlite://"+path)
	require.NoError(t, os.Chmod(path, 0o640))
	open(t, "sqlite://"+path)
	require.EqualValues(t, 0o640, fileModes(t, path)[""])
	notes := store.FileNotes("sqlite://" + path)
	require.NotEmpty(t, notes)
	require.Contains(t, notes[0], "the group of the database file "+path+" may open it (mode 0640)")
}

// A path that is no regular file, such as /dev/null, is refused, and keeps its mode.
func TestOpen_NoRegularFile(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Chmod(pipe, 0o666)) // whatever the umask
	_, err := store.Open(t.Context(), "sqlite://"+pipe)
	require.ErrorContains(t, err, "is a device, a pipe or a socket: name a regular file")
	_, err = store.OpenReader(t.Context(), "sqlite://"+pipe)
	require.ErrorContains(t, err, "is a device, a pipe or a socket: name a regular file")
	require.EqualValues(t, 0o666, fileModes(t, pipe)[""])
}

// What stands beside the database under the name of one of its files, and is none, keeps its mode.
func TestOpen_NoRegularFileBeside(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, "sqlite://"+path)
	require.NoError(t, os.Mkdir(path+"-journal", 0o700))
	require.NoError(t, os.Chmod(path+"-journal", 0o755))
	s, err := store.Open(t.Context(), "sqlite://"+path)
	if err == nil {
		require.NoError(t, s.Close())
	}
	require.EqualValues(t, 0o755, fileModes(t, path)["-journal"])
}

func TestFileNotes_NoneElsewhere(t *testing.T) {
	t.Parallel()
	require.Empty(t, store.FileNotes("postgres://localhost/x"))
	require.Empty(t, store.FileNotes("sqlite://"+filepath.Join(t.TempDir(), "none.db")))
}
