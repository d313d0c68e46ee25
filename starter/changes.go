package main

import (
	"context"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/timetext"
)

// changesSpan is how far back changes looks by itself: since the last weekly
// review.
const changesSpan = 7 * 24 * time.Hour

type changesCommand struct {
	*app

	since, until, console string
}

func newChangesCommand(a *app) *cobra.Command {
	c := &changesCommand{app: a}
	cmd := &cobra.Command{
		Use:   "changes",
		Short: "List roles that were added and removed",
		Long: `List roles that were added and removed between verified syncs. The time of a change is
the time of the sync that found it. "by" names who made it, where syncs read the console's
activity feed (starter sync --delta).
A date in --since means the start of that day, in --until its end, both UTC.`,
		Example: `  starter changes
  starter changes --since 24h
  starter changes --since 2026-03-01 --until 2026-03-31 -o json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.since, "since", "", "start of the period: "+timeHelp+" (default 7d)")
	cmd.Flags().StringVar(&c.until, "until", "", "end of the period: "+timeHelp+" (default now)")
	consoleFlag(cmd, &c.console)
	return cmd
}

// changesAnswer is the output for programs.
type changesAnswer struct {
	provenance
	Since   time.Time      `json:"since"`
	Until   *time.Time     `json:"until"` // null means now
	Changes []store.Change `json:"changes"`
}

func (c *changesCommand) execute(ctx context.Context) error {
	since, err := c.timeFlag("since", c.since, timetext.StartOfDay)
	if err != nil {
		return err
	}
	until, err := c.timeFlag("until", c.until, timetext.EndOfDay)
	if err != nil {
		return err
	}
	if since == nil {
		since = new(c.now().UTC().Add(-changesSpan))
	}
	if since.After(c.now()) {
		return usage("--since: %s is in the future", describe.Minute(*since))
	}
	if until != nil && !since.Before(*until) {
		return usage("--since %s is not before --until %s", describe.Minute(*since), describe.Minute(*until))
	}
	q, err := c.ask(ctx, c.console, nil)
	if err != nil {
		return err
	}
	defer q.close()
	query := store.ChangesQuery{Console: q.host, Since: since, Until: until}
	return q.db.ReadChanges(ctx, query, func(rows iter.Seq2[store.Change, error]) error {
		if c.output.json {
			return emitJSONRows(c.app, changesAnswer{
				provenance: q.basis(), Since: *since, Until: until, Changes: []store.Change{},
			}, rows)
		}
		c.explain(q)
		end := "now"
		if until != nil {
			end = describe.Minute(*until)
		}
		t := changesTable()
		t.begin = func(n int) {
			c.remark("%s from %s to %s", describe.Plural(n, "change"), describe.Minute(*since), end)
		}
		return emitRows(c.app, t, rows)
	})
}

func changesTable() rowTable[store.Change] {
	labels := &describe.Labels{}
	return rowTable[store.Change]{
		header: []string{"when", "change", "principal", "kind", "role", "level", "scope", "by"},
		note:   func(c store.Change) { noteAccess(labels, c.AccessRow) },
		cells: func(c store.Change) []string {
			line := append([]string{describe.Minute(c.At), c.Action}, accessCells(labels, c.AccessRow)...)
			return append(line, describe.Authors(c.By))
		},
	}
}
