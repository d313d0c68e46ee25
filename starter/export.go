package main

import (
	"context"
	"fmt"
	"io"
	"slices"
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
		Short: "Export everything as JSON, CSV or an Excel workbook",
		Long: `Export everything the last verified sync saw, or the last one before --as-of. The same
state gives the same bytes, so two exports can be compared with diff.

json  one object: accounts, sites, roles, users, serviceUsers, assignments
csv   one row per assignment, with the columns
      ` + strings.Join(export.Columns(), ", ") + `
      for programs: UTF-8 without a byte order mark (an apostrophe stands in front of what a
      spreadsheet would run as a formula)
xlsx  the same rows as a workbook, for Excel and other spreadsheets: every cell is text, so
      ids keep all digits and names all letters; the header is frozen and has a filter

--out writes the file completely or not at all, readable by its owner only.
A date in --as-of means the end of that day, UTC.`,
		Example: `  starter export --format json | jq '.assignments | length'
  starter export --format csv --out access.csv
  starter export --format xlsx --out access.xlsx
  starter export --format json --as-of 2026-03-03 --out march.json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.format, "format", formatJSON, "json, csv or xlsx")
	cmd.Flags().StringVar(&c.asOf, "as-of", "", "a time in the past: "+timeHelp)
	cmd.Flags().StringVar(&c.path, "out", "", "file to write (default: standard output)")
	consoleFlag(cmd, &c.console)
	complete(cmd, "format", formatJSON, formatCSV, formatXLSX)
	return cmd
}

// sink is a writer of one format.
type sink interface {
	store.ExportSink
	Close() error
}

// exportTo writes an export; fill gives it its rows.
func exportTo(format string, w io.Writer, fill func(store.ExportSink) error) error {
	var s sink
	switch format {
	case formatJSON:
		s = export.NewJSON(w)
	case formatCSV:
		s = export.NewCSV(w)
	case formatXLSX:
		x, err := export.NewXLSX(w)
		if err != nil {
			return err
		}
		defer x.Discard()
		s = x
	}
	if err := fill(s); err != nil {
		return err
	}
	return s.Close()
}

// The formats of an export.
const (
	formatJSON = "json"
	formatCSV  = "csv"
	formatXLSX = "xlsx"
)

func (c *exportCommand) execute(ctx context.Context) error {
	if !slices.Contains([]string{formatJSON, formatCSV, formatXLSX}, c.format) {
		return usage("--format: unknown format %q: use json or csv, or xlsx for spreadsheets", c.format)
	}
	if c.format == formatXLSX && c.path == "" && isTerminal(c.out) {
		return usage("--format xlsx is no text for a terminal: name a file with --out")
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
		err := exportTo(c.format, w, func(s store.ExportSink) error { return q.db.Export(ctx, q.host, asOf, s) })
		if err != nil {
			return fmt.Errorf("export of %s: %w", q.host, err)
		}
		return nil
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
