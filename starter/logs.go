package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/journal"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/timetext"
)

const (
	// logsShown is how many lines are shown by default.
	logsShown = 100
	// logsPause is the pause between two looks at the database with --follow.
	logsPause = time.Second
)

type logsCommand struct {
	*app

	sync, since, console string
	limit                int
	follow               bool
	pause                time.Duration
}

func newLogsCommand(a *app) *cobra.Command {
	c := &logsCommand{app: a, pause: logsPause}
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show what happened, in plain sentences",
		Long: `Show what happened on a console, in plain sentences and in order, from the database: each entry
of the ledger (requests, decisions, writes, verification reads, receipts, notifications), and
when syncs began and how they ended. Without --since and --limit these are the newest 100 lines.

--sync shows one sync with its collections, by the id of its workflow or of its snapshot. The id
of a workflow may stand for several syncs, one after the other.

--follow goes on with what happens from then on, until Ctrl-C. With -o json each line is an object
of its own. A date in --since means the start of that day, UTC.`,
		Example: `  starter logs
  starter logs --since 24h --limit 0
  starter logs --sync sync/acmeco.sentinelone.net
  starter logs --follow
  starter logs --since 7d --limit 0 -o json | jq 'select(.kind == "unauthorized")'`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	f := cmd.Flags()
	f.StringVar(&c.sync, "sync", "", "only this sync: id of its workflow or of its snapshot")
	f.StringVar(&c.since, "since", "", "only what happened then or later: "+timeHelp)
	f.IntVar(&c.limit, "limit", logsShown, "maximum number of lines, the newest; 0 for all")
	f.BoolVarP(&c.follow, "follow", "f", false, "go on with what happens from then on, until Ctrl-C")
	consoleFlag(cmd, &c.console)
	if err := cmd.RegisterFlagCompletionFunc("sync", c.completeSync); err != nil {
		cmd.PrintErrln(err)
	}
	return cmd
}

func (c *logsCommand) execute(ctx context.Context) error {
	since, err := c.timeFlag("since", c.since, timetext.StartOfDay)
	switch {
	case err != nil:
		return err
	case c.limit < 0:
		return usage("--limit: %d is below 0: give 0 for all", c.limit)
	case since != nil && since.After(c.now()):
		return usage("--since: %s is in the future", describe.Minute(*since))
	}
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	reader := &journal.Reader{Store: db, Console: host, Sync: strings.TrimSpace(c.sync), Now: c.now}
	if err := c.known(ctx, db, host, reader.Sync); err != nil {
		return err
	}
	shown := 0
	limited, err := reader.Read(ctx, journal.Query{Since: since, Limit: c.limit}, func(l journal.Line) error {
		shown++
		return c.printLine(l)
	})
	switch {
	case c.follow && ctx.Err() != nil:
		return nil // Ctrl-C, while a long ledger is read
	case err != nil:
		return err
	case limited:
		c.remark("these are the newest %d lines; --limit 0 shows all", shown)
	case shown == 0 && !c.follow:
		c.remark("nothing is on record for %s in that period", host)
	}
	if !c.follow {
		return nil
	}
	return c.goOn(ctx, reader)
}

// known fails if there is no sync of that id.
func (c *logsCommand) known(ctx context.Context, db *store.Store, host, id string) error {
	if id == "" {
		return nil
	}
	found, err := db.SyncLog(ctx, store.SyncLogQuery{Console: host, ID: id, Limit: 1})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no sync %q of %s is on record: see `starter logs` for the ids", id, host)
	}
	return err
}

// goOn prints what happens until the person stops it, which is no failure. It outlives a database that is away.
func (c *logsCommand) goOn(ctx context.Context, reader *journal.Reader) error {
	tick := time.NewTicker(c.pause)
	defer tick.Stop()
	trouble := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var broken error
		err := reader.Next(ctx, func(l journal.Line) error {
			broken = c.printLine(l)
			return broken
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case broken != nil:
			return broken
		case err == nil:
			trouble = ""
		case err.Error() != trouble:
			trouble = err.Error()
			writef(c.err, "note: the database does not answer, it is asked again: %s\n", trouble)
		}
	}
}

func (c *logsCommand) printLine(l journal.Line) error {
	if c.output.json {
		return c.emitLine(l)
	}
	id := l.ID
	if id == "" {
		id = l.Snapshot
	}
	writef(c.out, "%s  %s  %s\n", describe.Second(l.At), id, l.Text)
	return nil
}

// completeSync offers the ids of the latest syncs. Errors are not reported: completion then has no candidates.
func (c *logsCommand) completeSync(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	const offered = 20
	cfg, err := config.LoadUnchecked()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c.cfg = cfg
	ctx, cancel := context.WithTimeout(cmd.Context(), completeFor)
	defer cancel()
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer func() { _ = db.Close() }()
	found, _ := db.SyncLog(ctx, store.SyncLogQuery{Console: host, Limit: offered})
	var out []string
	for _, s := range found {
		for _, id := range []string{s.WorkflowID, s.ID} {
			if id != "" && strings.HasPrefix(id, typed) && !slices.Contains(out, describe.Text(id)) {
				out = append(out, describe.Text(id))
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
