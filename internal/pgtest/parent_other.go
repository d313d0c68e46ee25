//go:build !linux

package pgtest

import "syscall"

// endWithParent can only be had on Linux; elsewhere Main ends the server.
func endWithParent(*syscall.SysProcAttr) {}
