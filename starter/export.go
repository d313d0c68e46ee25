package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/export"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/timetext"
)

type exportCommand struct {
	*app

	format, asOf, path, console string
}

func newExportCommand(a *app) *cobra.Command {
	c := &exportCommand{app: a}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export everything as JSON or CSV",
		Long: `Export everything the last verified sync saw, or the last one before --as-of. The same
state gives the same bytes, so two exports can be compared with diff.

json  one object: accounts, sites, roles, users, serviceUsers, assignments
csv   one row per assignment, with the columns
      ` + strings.Join(export.Columns(), ", ") + `
      (a cell that a spreadsheet would run as a formula starts with an apostrophe)

--out writes the file completely or not at all, readable by its owner only.
A date in --as-of means the end of that day, UTC.`,
		Example: `  starter export --format json | jq '.assignments | length'
  starter export --format csv --out access.csv
  starter export --format json --as-of 2026-03-03 --out march.json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.format, "format", "json", "json or csv")
	cmd.Flags().StringVar(&c.asOf, "as-of", "", "a time in the past: "+timeHelp)
	cmd.Flags().StringVar(&c.path, "out", "", "file to write (default: standard output)")
	consoleFlag(cmd, &c.console)
	complete(cmd, "format", "json", "csv")
	return cmd
}

// sink is a writer of one format.
type sink interface {
	store.ExportSink
	Close() error
}

func newSink(format string, w io.Writer) (sink, error) {
	switch format {
	case "json":
		return export.NewJSON(w), nil
	case "csv":
		return export.NewCSV(w), nil
	default:
		return nil, usage("--format: unknown format %q: use json or csv", format)
	}
}

func (c *exportCommand) execute(ctx context.Context) error {
	if _, err := newSink(c.format, io.Discard); err != nil {
		return err
	}
	asOf, err := c.timeFlag("as-of", c.asOf, timetext.EndOfDay)
	if err != nil {
		return err
	}
	q, err := c.ask(ctx, c.console, asOf)
	if err != nil {
		return err
	}
	defer q.close()
	write := func(w io.Writer) error {
		s, err := newSink(c.format, w)
		if err != nil {
			return err
		}
		if err := q.db.Export(ctx, q.host, asOf, s); err != nil {
			return fmt.Errorf("export of %s: %w", q.host, err)
		}
		return s.Close()
	}
	c.explain(q)
	if c.path == "" {
		return write(c.out)
	}
	if err := writeFile(c.path, write); err != nil {
		return err
	}
	c.remark("wrote %s", c.path)
	return nil
}
