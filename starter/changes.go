package main

import (
	"context"
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
the time of the sync that found it.
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
	found, err := q.db.Changes(ctx, store.ChangesQuery{Console: q.host, Since: since, Until: until})
	if err != nil {
		return err
	}
	if c.output.json {
		return c.emitJSON(changesAnswer{provenance: q.basis(), Since: *since, Until: until, Changes: orEmpty(found)})
	}
	c.explain(q)
	end := "now"
	if until != nil {
		end = describe.Minute(*until)
	}
	c.remark("%s from %s to %s", describe.Plural(len(found), "change"), describe.Minute(*since), end)
	if len(found) > 0 {
		c.emitTable(changesTable(found))
	}
	return nil
}

func changesTable(found []store.Change) (header []string, lines [][]string) {
	rows := make([]store.AccessRow, len(found))
	for i, c := range found {
		rows[i] = c.AccessRow
	}
	labels := accessLabels(rows)
	for _, c := range found {
		lines = append(lines, append([]string{describe.Minute(c.At), c.Action}, accessCells(labels, c.AccessRow)...))
	}
	return []string{"when", "change", "principal", "kind", "role", "level", "scope"}, lines
}
