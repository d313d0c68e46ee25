// Command demo shows the product on one machine: it starts a simulated console,
// a Temporal dev server with its web UI and our worker, runs the commands a new
// user would, prints what to type next, and stops all it started. With --keep it
// leaves the stack up until it is interrupted. `make demo` and `make dev` build
// what it needs and call it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// demoLimit ends a demo in which something hangs. A good one takes well under a
// minute.
const demoLimit = 5 * time.Minute

// Exit codes, as everywhere in this project.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// options are where the programs are and what to do with them.
type options struct {
	keep     bool
	bin      string // folder of worker, starter and console-simulator
	temporal string // the Temporal CLI
	temp     string // folder for the demo's own folder; "" for the system's
}

func main() {
	opts, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(exitDone)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	// SIGHUP too: closing the terminal must leave nothing behind.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, opts, newScreen(os.Stdout))
	stop()
	os.Exit(code)
}

func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("demo", flag.ContinueOnError)
	set.BoolVar(&o.keep, "keep", false, "keep the stack up until Ctrl-C instead of showing it and stopping")
	set.StringVar(&o.bin, "bin", "bin", "folder of worker, starter and console-simulator")
	set.StringVar(&o.temporal, "temporal", os.Getenv("TEMPORAL_CLI"), "path of the Temporal CLI")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("demo takes no arguments, but got %q", set.Args())
	}
	if o.temporal == "" {
		o.temporal = "temporal"
	}
	var err error
	o.bin, err = filepath.Abs(o.bin)
	return o, err
}

// run does everything and returns the exit code. Whatever happens, nothing it
// started runs on and no file it made is left.
func run(ctx context.Context, o options, out *screen) int {
	s, err := newStack(o)
	if err != nil {
		return report(out, err)
	}
	if o.keep {
		err = keep(ctx, s, out)
	} else {
		limited, cancel := context.WithTimeoutCause(ctx, demoLimit,
			fmt.Errorf("the demo did not end within %s", demoLimit))
		err = tour(limited, s, out)
		cancel()
	}
	stopping := s.stop()
	if ctx.Err() != nil {
		out.line("")
		out.line("Interrupted; everything it started is stopped.")
		if o.keep {
			return exitDone // that is how `make dev` ends
		}
		return exitInterrupted
	}
	return report(out, errors.Join(err, stopping))
}

func report(out *screen, err error) int {
	if err == nil {
		return exitDone
	}
	out.failure(err)
	return exitFailed
}
