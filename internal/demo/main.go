// Command demo shows the product on one machine. It starts a simulated console, a Temporal
// dev server with its web UI, and the worker; runs the commands that a new user would run;
// prints what to type next; and stops everything. With --keep it starts the stack only, and
// keeps it up until it is interrupted. `make demo` and `make dev` build what it needs.
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

// demoLimit ends a demo that hangs. A demo takes about 20 seconds.
const demoLimit = 5 * time.Minute

// Exit codes, the same as those of worker and starter.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// options are the flags, and where a test puts the files.
type options struct {
	keep     bool
	bin      string // folder of worker, starter and console-simulator
	temporal string // the Temporal CLI
	temp     string // parent of the demo's own folder; "" means the system's folder for temporary files
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
	// SIGHUP too: closing the terminal must not leave programs running.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, opts, newScreen(os.Stdout))
	stop()
	os.Exit(code)
}

func parse(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("demo", flag.ContinueOnError)
	set.BoolVar(&o.keep, "keep", false, "start the stack and keep it up until Ctrl-C, instead of running the demo")
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

// run runs the demo and returns the exit code. In every case it stops what it started and
// removes its files.
func run(ctx context.Context, o options, out *screen) int {
	s, err := newStack(o)
	if err != nil {
		return report(out, err)
	}
	if o.keep {
		err = keep(ctx, s, out)
	} else {
		limited, cancel := context.WithTimeoutCause(ctx, demoLimit,
			fmt.Errorf("the demo did not end within %s: look at the last command above", demoLimit))
		err = tour(limited, s, out)
		cancel()
	}
	stopping := s.stop()
	if ctx.Err() != nil {
		out.line("")
		out.line("Interrupted: everything that was started is stopped.")
		if o.keep {
			return exitDone // the normal end of `make dev`
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
