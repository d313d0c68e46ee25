package store

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

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
	t.Chdir(t.TempDir()) // so that it does not matter who may enter the folders above
	const path = "test.db"
	require.NoError(t, os.WriteFile(path, nil, 0o200))
	require.ErrorContains(t, withoutCapabilities(t, func() error { return checkPath(path, false) }),
		"cannot be read: permission denied: have its owner run this program")
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, withoutCapabilities(t, func() error { return checkPath(path, false) }))
}

// withoutCapabilities runs a function for which the permissions of files count, also where root runs the tests. A
// thread may give up its capabilities everywhere; in some containers it may not become another user.
func withoutCapabilities(t *testing.T, run func() error) error {
	t.Helper()
	header := struct {
		version uint32
		pid     int32
	}{version: 0x20080522} // version 3 of capset(2), for this thread
	var none [2]struct{ effective, permitted, inheritable uint32 }
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its capabilities
		if _, _, failed := syscall.RawSyscall(syscall.SYS_CAPSET,
			uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0); failed != 0 {
			done <- failed
			return
		}
		done <- run()
	}()
	return <-done
}
