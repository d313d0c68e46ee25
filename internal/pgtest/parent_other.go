//go:build !linux

package pgtest

import "syscall"

// killWithParent exists on Linux only; elsewhere Main stops the server.
func killWithParent(*syscall.SysProcAttr) {}
