package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// Answers stream: what a row leaves behind is garbage at once. Collecting it early keeps answers of any size below
// 100 MiB, with the libraries that the program brings. GOGC wins where it is set.
const gcPercent = 50 // percent of the live heap, as GOGC

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Main is the whole program except for the process around it. It reads the
// environment and returns the exit code. Cancelling ctx is Ctrl-C.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &app{in: os.Stdin, out: stdout, err: stderr, now: time.Now}
	root := p.root() //nolint:contextcheck // commands get the context from ExecuteContextC below
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	err = clearUsage(cmd, err)
	p.complain(err)
	return exitCode(err)
}
