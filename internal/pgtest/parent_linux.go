package pgtest

import "syscall"

// endWithParent has the kernel end the server at once if this process dies.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
