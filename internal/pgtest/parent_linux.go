package pgtest

import "syscall"

// killWithParent makes the kernel stop the server at once if this process dies.
func killWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
