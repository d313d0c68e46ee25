// Command console-simulator serves a simulated SentinelOne console over HTTP.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes: stopped on request, failed, invalid arguments.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is an error in the arguments.
type usageError struct{ error }

func complain(out interface{ Write([]byte) (int, error) }, err error) {
	_, _ = fmt.Fprintln(out, "console-simulator:", err)
}
