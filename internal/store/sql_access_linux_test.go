package store

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// ofdGetLock is F_OFD_GETLK of fcntl(2): it also shows the locks of this process.
const ofdGetLock = 36

// To look at a database file takes away no lock that another connection of this process has on it.
func TestCheckPath_KeepsLocks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := Open(t.Context(), "sqlite://"+path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, checkPath(path, false))
	require.NoError(t, checkPath(path, true))

	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	require.NoError(t, syscall.FcntlFlock(file.Fd(), ofdGetLock, &lock))
	require.EqualValues(t, syscall.F_RDLCK, lock.Type, "the lock of an open database in WAL mode")
}

// A file that this user may not read is told as such, whoever runs the tests.
func TestCheckPath_MayNotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, folder := range []string{dir, filepath.Dir(dir)} {
		require.NoError(t, os.Chmod(folder, 0o755))
	}
	path := filepath.Join(dir, "test.db")
	require.NoError(t, os.WriteFile(path, nil, 0o200))
	require.ErrorContains(t, asNobody(t, func() error { return checkPath(path, false) }),
		"cannot be read: permission denied: have its owner run this program")
	require.NoError(t, os.Chmod(path, 0o644))
	require.NoError(t, asNobody(t, func() error { return checkPath(path, false) }))
}

// asNobody runs a function as a user who owns no file.
func asNobody(t *testing.T, run func() error) error {
	t.Helper()
	if os.Getuid() != 0 {
		return run()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its user
		const nobody = 65534
		if _, _, failed := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); failed != 0 {
			done <- failed
			return
		}
		done <- run()
	}()
	return <-done
}
