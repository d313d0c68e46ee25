// Command bench measures syncs and grants against their lower bounds, and what authority adds
// to a write, and prints tables: `make bench`.
//
// Everything runs on this machine: the simulated console with a latency of 20 ms, a Temporal dev
// server with a database file, the worker as a separate process, SQLite and PostgreSQL.
//
// The lower bound of a sync is the bare loop: it reads the same collections with the same client,
// concurrency and rate budgets, and discards the rows. It runs directly before each sync, so that
// both run under the same load. Temporal's own fixed cost is the time of a sync of a console with
// hardly any rows and no latency.
//
// The lower bound of a grant is the floor: the same workflows and activities, empty, in a worker
// of their own (floor.go). Both kinds of grants alternate.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

const about = `Measures syncs and grants against their lower bounds, and prints a table of each.
Nothing else should run on the machine at the same time.

  make bench                           everything; takes some minutes
  make bench ARGS='--rows grants'      only grants, compared with empty workflows
  make bench ARGS='--rows grants --databases sqlite --rounds 5'
  make bench ARGS='--rows syncs --sizes tenant'
  make bench ARGS='--rows reads'       time and memory of answers about a million users
  make bench ARGS='--rows connector'   a sync of ConductorOne, compared with the same rows from memory
  make bench ARGS='--rows delta'       delta syncs of a large console, compared with full ones
  make bench ARGS='--rows authority'   what authority adds to a write, at a ledger of 100,000 entries

`

// options of one run of the benchmark.
type options struct {
	rows      string
	databases string
	latency   time.Duration
	rounds    int

	sizes string // of syncs

	grants, inFlight, principals int // of grants

	users int // of reads

	deltaUsers, deltaChanges int // of delta syncs
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
		case "authority":
			err = b.authorityRows(ctx, strings.Split(b.o.databases, ","))
		case "reads":
			err = b.readRows(ctx, strings.Split(b.o.databases, ","))
		case "delta":
			err = b.deltaRows(ctx, strings.Split(b.o.databases, ","))
		case "connector":
			err = b.connectorRows(ctx)
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
	f.StringVar(&o.rows, "rows", "syncs,delta,grants,authority,reads,connector",
		"what to measure: syncs, delta, grants, authority, reads, connector, or several with commas")
	f.StringVar(&o.databases, "databases", "sqlite,postgresql", "databases: sqlite, postgresql, or both with a comma")
	f.DurationVar(&o.latency, "latency", 20*time.Millisecond, "delay of each response of the console")
	f.IntVar(&o.rounds, "rounds", 3, "number of measurements of each; the tables show medians")
	f.StringVar(&o.sizes, "sizes", "tenant,mssp", "syncs: sizes of the simulated console: small, tenant, mssp")
	f.IntVar(&o.grants, "grants", 40, "grants: number of grants one at a time")
	f.IntVar(&o.inFlight, "in-flight", 200, "grants: number of grants started at once")
	f.IntVar(&o.users, "users", 1_000_000, "reads: number of users, each with two roles")
	f.IntVar(&o.principals, "principals", 50, "grants: number of principals")
	f.IntVar(&o.deltaUsers, "delta-users", 100_000, "delta: number of users")
	f.IntVar(&o.deltaChanges, "delta-changes", 100, "delta: number of users whose roles change, at most 200")
	f.Usage = func() {
		fmt.Fprint(f.Output(), about)
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for rows := range strings.SplitSeq(o.rows, ",") {
		if !slices.Contains([]string{"syncs", "delta", "grants", "authority", "reads", "connector"}, rows) {
			return o, fmt.Errorf(
				"unknown --rows %q: choose syncs, delta, grants, authority, reads, connector, or several with commas",
				rows)
		}
	}
	if min(o.rounds, o.grants, o.inFlight, o.principals, o.users, o.deltaUsers, o.deltaChanges) < 1 {
		return o, errors.New("--rounds, --grants, --in-flight, --principals, --users, --delta-users and " +
			"--delta-changes must be at least 1")
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
	rows, err := onEach(ctx, "grants", strings.Split(b.o.databases, ","), b.measureGrants)
	if err == nil {
		reportGrants(os.Stdout, b.o, rows)
	}
	return err
}

// onEach measures something on each database, one after the other.
func onEach[T any](
	ctx context.Context, what string, databases []string, measure func(ctx context.Context, database string) (T, error),
) ([]T, error) {
	var out []T
	for _, database := range databases {
		fmt.Fprintf(os.Stderr, "measuring %s on %s…\n", what, database)
		got, err := measure(ctx, database)
		if err != nil {
			return nil, fmt.Errorf("%s on %s: %w", what, database, err)
		}
		out = append(out, got)
	}
	return out, nil
}
