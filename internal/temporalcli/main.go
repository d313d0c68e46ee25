// Command temporalcli downloads the official release of the Temporal CLI that tools/temporal-cli.pins
// names, and accepts exactly the bytes that are pinned there. `make` runs it, and builds the CLI where it
// fails. With --pin VERSION it writes the pins of that release instead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"
)

// official is where the project publishes its releases.
const official = "https://github.com/temporalio/cli/releases/download"

// variable turns the download off ("never"), or names a mirror of the releases.
const variable = "TEMPORAL_CLI_DOWNLOAD"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Getenv(variable), os.Stderr)
	stop()
	if code == exitDone {
		fmt.Println("done")
	}
	if code != exitBuild { // `go run` would report another code as an error
		os.Exit(code)
	}
}

// The exit codes. Without a release, the caller builds the CLI: the program then says nothing on standard
// output, and ends with 0.
const (
	exitDone   = 0
	exitFailed = 1
	exitBuild  = 3
)

func run(ctx context.Context, args []string, setting string, w io.Writer) int {
	flags := flag.NewFlagSet("temporalcli", flag.ContinueOnError)
	flags.SetOutput(w)
	f := fetcher{os: runtime.GOOS, arch: runtime.GOARCH, base: official, patience: 20 * time.Second}
	flags.StringVar(&f.pins, "pins", "tools/temporal-cli.pins", "file of the pinned release")
	flags.StringVar(&f.out, "out", "bin/temporal", "file to write")
	pin := flags.String("pin", "", "write the pins of this release, as it publishes them")
	if err := flags.Parse(args); err != nil {
		return exitFailed
	}
	setting = strings.TrimSpace(setting)
	if strings.Contains(setting, "://") {
		f.base = strings.TrimRight(setting, "/")
	}
	if *pin != "" {
		if err := f.pin(ctx, strings.TrimPrefix(*pin, "v")); err != nil {
			fmt.Fprintf(w, "error: %v\n", err)
			return exitFailed
		}
		return exitDone
	}
	err := errors.New(variable + "=never forbids to download it")
	switch {
	case strings.EqualFold(setting, "never"):
	case setting != "" && f.base == official:
		err = fmt.Errorf("%s=%q is neither never nor the URL of a mirror", variable, setting)
	default:
		err = f.fetch(ctx, w)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(w, "stopped")
		return exitFailed
	}
	if err != nil {
		fmt.Fprintf(w, "The official release of the Temporal CLI is not used: %v\n", err)
		fmt.Fprintf(w, "Building it from source instead: only once, %s\n", buildTime(runtime.NumCPU()))
		return exitBuild
	}
	return exitDone
}

// buildTime says how long a build takes: six minutes on two cores, measured, less with a warm cache.
func buildTime(cores int) string {
	minutes := max(1, 12/cores)
	return fmt.Sprintf("about %d min on the %d cores of this machine", minutes, cores)
}
