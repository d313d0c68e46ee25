//go:build unix

package signing

import (
	"io/fs"
	"syscall"
)

// ownerOf is the id of a file's owner, or -1.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
