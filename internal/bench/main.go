// Command bench measures what the engine, the store and the worker add to the least
// there must be, and prints tables: `make bench`.
//
// Everything runs on this machine: the simulated console at 20 ms a request, a
// Temporal dev server with a database file, the worker as a process of its own, SQLite
// and PostgreSQL.
//
// A sync stands beside a bare loop, which pages the same collections with the same
// client, at the same concurrency and rate budgets, and throws the rows away; it runs
// directly before each sync, so that both see the same machine. Temporal's own fixed
// cost is a sync of a console with hardly a row and no latency.
//
// A grant stands beside a floor: the same workflows and activities with nothing in
// them, in a worker of their own (floor.go). Grants of both alternate.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const about = `Measures syncs and grants beside what they cannot cost less than, and prints a table
of each. Nothing else should run on the machine meanwhile.

  make bench                           all of it; some minutes
  make bench ARGS='--rows grants'      only grants, beside empty workflows
  make bench ARGS='--rows grants --databases sqlite --rounds 5'
  make bench ARGS='--rows syncs --sizes tenant'

`

// options of one run of the benchmark.
type options struct {
	rows      string
	databases string
	latency   time.Duration
	rounds    int

	sizes string // of syncs

	grants, inFlight, principals int // of grants
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == floorCommand {
		return serveFloor(ctx, args[1])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	for rows := range strings.SplitSeq(o.rows, ",") {
		switch rows {
		case "syncs":
			err = b.syncRows(ctx)
		case "grants":
			err = b.grantRows(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.rows, "rows", "syncs,grants", "what is measured")
	f.StringVar(&o.databases, "databases", "sqlite,postgresql", "where the worker stores")
	f.DurationVar(&o.latency, "latency", 20*time.Millisecond, "of each answer of the console")
	f.IntVar(&o.rounds, "rounds", 3, "how often each is measured; the tables show medians")
	f.StringVar(&o.sizes, "sizes", "tenant,mssp", "syncs: sizes of the simulated console: small, tenant, mssp")
	f.IntVar(&o.grants, "grants", 40, "grants: how many are made one at a time")
	f.IntVar(&o.inFlight, "in-flight", 200, "grants: how many are started at once")
	f.IntVar(&o.principals, "principals", 50, "grants: for how many principals")
	f.Usage = func() {
		fmt.Fprint(f.Output(), about)
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for rows := range strings.SplitSeq(o.rows, ",") {
		if rows != "syncs" && rows != "grants" {
			return o, fmt.Errorf("--rows has no %q: choose syncs, grants, or both with a comma", rows)
		}
	}
	if min(o.rounds, o.grants, o.inFlight, o.principals) < 1 {
		return o, errors.New("--rounds, --grants, --in-flight and --principals must be at least 1")
	}
	return o, nil
}

func (b *bench) syncRows(ctx context.Context) error {
	var rows []row
	for database := range strings.SplitSeq(b.o.databases, ",") {
		fixed, err := b.fixedCost(ctx, database)
		if err != nil {
			return fmt.Errorf("fixed cost on %s: %w", database, err)
		}
		for size := range strings.SplitSeq(b.o.sizes, ",") {
			fmt.Fprintf(os.Stderr, "measuring %s on %s…\n", size, database)
			got, err := b.measure(ctx, size, database)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", size, database, err)
			}
			got.fixed = fixed
			rows = append(rows, got)
		}
	}
	report(os.Stdout, b.o, rows)
	return nil
}

func (b *bench) grantRows(ctx context.Context) error {
	var rows []grantRow
	for database := range strings.SplitSeq(b.o.databases, ",") {
		fmt.Fprintf(os.Stderr, "measuring grants on %s…\n", database)
		got, err := b.measureGrants(ctx, database)
		if err != nil {
			return fmt.Errorf("grants on %s: %w", database, err)
		}
		rows = append(rows, got)
	}
	reportGrants(os.Stdout, b.o, rows)
	return nil
}
