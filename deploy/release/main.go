// Command release builds what is published of a commit: static programs for Linux, an SBOM for each, container
// images as files, and the checksums of all of these. It needs Go and git, no container engine. The same commit, built
// with the Go release that the Dockerfile names, gives the same bytes in any folder and on any machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	root := flags.String("root", ".", "folder of the checkout")
	out := flags.String("out", "dist", "folder to write; what it holds of an earlier release is removed")
	changed := flags.Bool("allow-changes", false, "also build a checkout with changes that are not committed")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 {
		_, _ = fmt.Fprintf(stderr, "error: unexpected argument %q: release takes flags only\n", flags.Arg(0))
		return exitUsage
	}
	r := release{root: *root, out: *out, allowChanges: *changed, programs: ours, images: ourImages}
	if err := r.write(ctx, stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "error: %v\n", err)
		return exitFailed
	}
	return exitDone
}
