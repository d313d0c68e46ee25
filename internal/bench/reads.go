package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"sentinelone-provisioner/internal/scale"
	"sentinelone-provisioner/internal/store"
)

// read is one answer of the starter, measured.
type read struct {
	name   string
	args   []string
	person bool            // it is about one person
	took   []time.Duration // of the process, from its start to its end
	memory int64           // the most it had, in bytes
}

// readColumn has the answers from one database.
type readColumn struct {
	database string
	reads    []read
}

// The bounds of the answers: one person's access, and the memory of each.
const (
	personLimit = 100 * time.Millisecond
	readMemory  = 100 << 20
)

// readsOf are the answers that are measured.
func readsOf(size scale.Size) []read {
	return []read{
		{name: "one person by address", person: true, args: []string{"access", "--user", size.Email(4711)}},
		{name: "one person by name", person: true, args: []string{"access", "--user", size.Name(4711)}},
		{name: "access of one role, JSON", args: []string{"access", "--role", scale.Role(3), "-o", "json"}},
		{name: "changes, JSON", args: []string{"changes", "--since", "2020-01-01", "-o", "json"}},
		{name: "export, JSON", args: []string{"export", "--format", "json"}},
		{name: "export, CSV", args: []string{"export", "--format", "csv"}},
	}
}

// readRows measures answers about a console with a million users and two million assignments.
func (b *bench) readRows(ctx context.Context, databases []string) error {
	var columns []readColumn
	for _, database := range databases {
		reads, err := b.measureReads(ctx, database)
		if err != nil {
			return fmt.Errorf("answers on %s: %w", database, err)
		}
		columns = append(columns, readColumn{database, reads})
	}
	reportReads(os.Stdout, b.o, columns)
	return nil
}

func (b *bench) measureReads(ctx context.Context, database string) ([]read, error) {
	size := scale.Million()
	size.Users = b.o.users
	url, err := b.database(ctx, database)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "filling %s with %d users…\n", database, size.Users)
	if err := fillStore(ctx, url, size); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "measuring answers on %s…\n", database)
	reads := readsOf(size)
	for i := range reads {
		for range b.o.rounds {
			if err := reads[i].run(ctx, b.programs.Starter, url); err != nil {
				return nil, fmt.Errorf("%s: %w", reads[i].name, err)
			}
		}
	}
	return reads, nil
}

func fillStore(ctx context.Context, url string, size scale.Size) error {
	s, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer s.Close()
	return scale.Fill(ctx, s, benchConsole, "s1", size)
}

// run prints the answer once, and measures the process.
func (r *read) run(ctx context.Context, starter, url string) error {
	c := exec.CommandContext(ctx, starter, r.args...) //nolint:gosec // our own program
	c.Env = append(os.Environ(), "DATABASE_URL="+url, "SENTINELONE_BASE_URL=")
	c.Stdout = io.Discard
	began := time.Now()
	if err := c.Run(); err != nil {
		return err
	}
	r.took = append(r.took, time.Since(began))
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.memory = max(r.memory, usage.Maxrss<<10) // in KiB on Linux
	}
	return nil
}

func reportReads(w io.Writer, o options, columns []readColumn) {
	t, line := columnsOf("answers about a large console", columns, func(c readColumn) string { return c.database })
	for i, r := range columns[0].reads {
		line(r.name, func(c readColumn) string { return fmt.Sprintf("%.3f s", median(c.reads[i].took).Seconds()) })
		if r.person {
			line("  allowed", func(c readColumn) string {
				return verdict(personLimit.String(), median(c.reads[i].took) <= personLimit)
			})
		}
		line("  peak memory", func(c readColumn) string {
			m := c.reads[i].memory
			return verdict(fmt.Sprintf("%d MiB", m/mebi), m <= readMemory)
		})
	}
	fmt.Fprintf(w, "%d users with two roles each; whole processes of starter; medians of %d rounds\n%s\n",
		o.users, o.rounds, t.Render())
}
