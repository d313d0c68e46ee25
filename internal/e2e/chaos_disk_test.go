package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// fullDisk is the disk of a database, which can be full for a time. Where this user may mount, it is
// a small file system of its own, filled up by another file: writes fail with ENOSPC. Elsewhere, and
// for PostgreSQL, the processes may write no file further than its first byte (RLIMIT_FSIZE): writes
// fail with EFBIG. That needs no privileges, and both databases take it for a full disk or an I/O error.
type fullDisk struct {
	folder  string
	mounted bool

	mu   sync.Mutex
	full bool
}

const diskBytes = 64 << 20

func newFullDisk(t *testing.T) *fullDisk {
	t.Helper()
	d := &fullDisk{folder: t.TempDir()}
	size := "size=" + strconv.Itoa(diskBytes)
	if os.Geteuid() == 0 {
		d.mounted = exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", size, "tmpfs", d.folder).Run() == nil
	}
	if d.mounted {
		t.Cleanup(func() {
			umount := exec.CommandContext(context.WithoutCancel(t.Context()), "umount", "--lazy", d.folder)
			require.NoError(t, umount.Run())
		})
	}
	t.Logf("the disk of the database is a file system of its own: %t", d.mounted)
	return d
}

// limitFiles lets a process write files up to that many bytes, or as it likes.
func limitFiles(pid int, limited bool) error {
	size := "unlimited:unlimited"
	if limited {
		size = "0:unlimited"
	}
	cmd := exec.CommandContext(context.Background(), "prlimit", "--pid", strconv.Itoa(pid), "--fsize="+size)
	return cmd.Run()
}

// limitIfFull limits a process that was started while the disk is full.
func (d *fullDisk) limitIfFull(pid int) {
	if d == nil || d.mounted {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		_ = limitFiles(pid, true) // it may have ended
	}
}

// set fills the disk, or makes room again. pids are the processes that write.
func (d *fullDisk) set(full bool, pids []int) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
	file := filepath.Join(d.folder, "filler")
	switch {
	case d.mounted && full:
		return fill(file)
	case d.mounted:
		return os.Remove(file)
	}
	for _, pid := range pids {
		err = errors.Join(err, limitFiles(pid, full))
	}
	return err
}

// fill writes until nothing more fits.
func fill(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for err == nil && len(block) > 0 {
		if _, err = f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block, err = block[:len(block)/2], nil
		}
	}
	return errors.Join(err, f.Close())
}

// fillDisk lets nothing be written to the database for some time. PostgreSQL may give up over that: then
// it is started again.
func (c *chaos) fillDisk(ctx context.Context) {
	c.crash.Lock()
	defer c.crash.Unlock()
	err := c.disk.set(true, c.databasePIDs()) //nolint:contextcheck // it heals
	c.deeds.note("the disk of the database is full: %v", err)
	pause(ctx, onceFor)
	c.deeds.note("there is room again: %v", c.disk.set(false, c.databasePIDs())) //nolint:contextcheck // it heals
	if c.postgres != nil && !c.postgres.Running() {
		c.deeds.note("PostgreSQL starts again: %v", c.postgres.Restart()) //nolint:contextcheck // it heals
	}
}

// databasePIDs are the processes that write the database.
func (c *chaos) databasePIDs() (out []int) {
	if c.postgres != nil {
		return c.postgres.Processes()
	}
	for _, w := range c.workers {
		out = append(out, w.pid())
	}
	return out
}
