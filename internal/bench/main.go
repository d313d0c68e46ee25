// Command bench measures a sync beside a bare loop over the same console and
// prints a table: `make bench`.
//
// Everything runs on this machine: the simulated console at 20 ms a request, a
// Temporal dev server, the worker as a process of its own, SQLite and
// PostgreSQL. The bare loop pages the same collections with the same client, at
// the same concurrency and rate budgets, and throws the rows away; it runs
// directly before each sync, so that both see the same machine. Temporal's own
// fixed cost is a sync of a console with hardly a row and no latency.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options of one run of the benchmark.
type options struct {
	sizes     string
	databases string
	latency   time.Duration
	rounds    int
}

func main() {
	var o options
	flag.StringVar(&o.sizes, "sizes", "tenant,mssp", "sizes of the simulated console: small, tenant, mssp")
	flag.StringVar(&o.databases, "databases", "sqlite,postgresql", "where the worker stores")
	flag.DurationVar(&o.latency, "latency", 20*time.Millisecond, "of each answer of the console")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each is measured; the table shows medians")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	var rows []row
	for database := range strings.SplitSeq(o.databases, ",") {
		fixed, err := b.fixedCost(ctx, database)
		if err != nil {
			return fmt.Errorf("fixed cost on %s: %w", database, err)
		}
		for size := range strings.SplitSeq(o.sizes, ",") {
			fmt.Fprintf(os.Stderr, "measuring %s on %s…\n", size, database)
			got, err := b.measure(ctx, size, database)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", size, database, err)
			}
			got.fixed = fixed
			rows = append(rows, got)
		}
	}
	report(os.Stdout, o, rows)
	return nil
}
