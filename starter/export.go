package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/export"
	"sentinelone-provisioner/internal/store"
)

type exportOptions struct{ format, asOf, out, console string }

func (p *app) exportCommand() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Everything, as JSON or CSV",
		Long: `Everything the last proven sync saw, or the one of another time. The same state gives
the same bytes, so two exports can be compared with diff.

json  one object: accounts, sites, roles, users, serviceUsers, assignments
csv   one row per assignment, with the columns
      ` + strings.Join(export.Columns(), ", ") + `
      (a cell a spreadsheet would run as a formula starts with an apostrophe)

With --out the file appears whole or not at all, readable by its owner only.
A bare date in --as-of means the end of that day, UTC.`,
		Example: `  starter export --format json | jq '.assignments | length'
  starter export --format csv --out access.csv
  starter export --format json --as-of 2026-03-03 --out march.json`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.export(ctx, o) }),
	}
	cmd.Flags().StringVar(&o.format, "format", "json", "json or csv")
	cmd.Flags().StringVar(&o.asOf, "as-of", "", "a time in the past: "+timeHelp)
	cmd.Flags().StringVar(&o.out, "out", "", "file to write (default: standard output)")
	consoleFlag(cmd, &o.console)
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
		return nil, usage("--format: %q is no format: choose json or csv", format)
	}
}

func (p *app) export(ctx context.Context, o exportOptions) error {
	if _, err := newSink(o.format, io.Discard); err != nil {
		return err
	}
	asOf, err := p.timeFlag("as-of", o.asOf, endOfDay)
	if err != nil {
		return err
	}
	q, err := p.ask(ctx, o.console, asOf)
	if err != nil {
		return err
	}
	defer q.close()
	write := func(w io.Writer) error {
		s, err := newSink(o.format, w)
		if err != nil {
			return err
		}
		if err := q.db.Export(ctx, q.host, asOf, s); err != nil {
			return fmt.Errorf("export of %s: %w", q.host, err)
		}
		return s.Close()
	}
	p.explain(q)
	if o.out == "" {
		return write(p.out)
	}
	if err := writeFile(o.out, write); err != nil {
		return err
	}
	p.remark("wrote %s", o.out)
	return nil
}
