//go:build unix

package store

import "syscall"

// mayRead says whether the permissions of a file let this user read it.
func mayRead(path string) bool {
	const read = 4 // R_OK of access(2)
	return syscall.Access(path, read) != syscall.EACCES
}
