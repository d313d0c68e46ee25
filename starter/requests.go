package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/timetext"
)

type requestsOptions struct {
	open           bool
	since, console string
	waitingFor     string
	limit          int
}

// requestsShown is how many requests are listed by default.
const requestsShown = 50

func (p *app) requestsCommand() *cobra.Command {
	var o requestsOptions
	cmd := &cobra.Command{
		Use:   "requests",
		Short: "List requests and their outcome",
		Long: `List requests and their outcome, newest first, from the ledger. The state of open requests
comes from Temporal, if it answers.

--waiting-for lists instead the requests that one person can decide now: "me" is the default of
` + "`starter approve --by`" + `. That needs Temporal.

A date in --since means the start of that day, UTC.`,
		Example: `  starter requests
  starter requests --open
  starter requests --waiting-for me
  starter requests --waiting-for carol@example.com -o json
  starter requests --since 7d --limit 0 -o json`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error {
			if o.waitingFor != "" {
				return p.requestsWaitingFor(ctx, o.waitingFor, o.console)
			}
			return p.requests(ctx, o)
		}),
	}
	cmd.Flags().BoolVar(&o.open, "open", false, "only open requests")
	cmd.Flags().StringVar(&o.waitingFor, "waiting-for", "",
		"requests that this person can decide now: me, or an e-mail address")
	for _, other := range []string{"open", "since", "limit"} {
		defer cmd.MarkFlagsMutuallyExclusive("waiting-for", other)
	}
	cmd.Flags().StringVar(&o.since, "since", "", "start of the period: "+timeHelp)
	cmd.Flags().IntVar(&o.limit, "limit", requestsShown, "maximum number of requests; 0 for all")
	consoleFlag(cmd, &o.console)
	return cmd
}

// requestsAnswer is the output for programs.
type requestsAnswer struct {
	Console  string              `json:"console"`
	Requests []requestrecord.Row `json:"requests"`
	// Frozen says since when and by whom giving access is frozen; absent if it is not.
	Frozen *access.FreezeState `json:"frozen,omitempty"`
}

func (p *app) requests(ctx context.Context, o requestsOptions) error {
	since, err := p.timeFlag("since", o.since, timetext.StartOfDay)
	if err != nil {
		return err
	}
	if o.limit < 0 {
		return usage("--limit: %d is below 0: give 0 for all", o.limit)
	}
	db, host, err := p.openLedger(ctx, o.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	r := requestrecord.Reader{Store: db, Console: host}
	rows, limited, err := r.List(ctx, requestrecord.Query{Open: o.open, Since: since, Limit: o.limit})
	unreadable, partial := errors.AsType[*requestrecord.UnreadableError](err)
	if err != nil && !partial {
		return err
	}
	err = nil
	if partial {
		err = unreadable.Entries
	}
	rows = p.completeRows(ctx, rows)
	if err := r.AddHeld(ctx, rows, p.now()); err != nil {
		return err
	}
	frozen := p.remarkFrozen(ctx, db, host)
	if p.output.json {
		return errors.Join(p.emitJSON(requestsAnswer{Console: host, Requests: rows, Frozen: frozen}), err)
	}
	if len(rows) == 0 {
		p.remark("no request of %s matches", host)
		return nil
	}
	p.emitTable(requestsTable(rows))
	for _, row := range rows {
		if row.Again != "" {
			p.remark("%s was not decided, and Temporal has lost it; to request it again: %s", row.ID, row.Again)
		}
	}
	if limited {
		p.remark("these are the newest %d; --limit 0 shows all", o.limit)
	}
	return err
}

// completeRows adds the state of open requests from Temporal. If Temporal or a worker does
// not answer, it prints one remark.
func (p *app) completeRows(ctx context.Context, rows []requestrecord.Row) []requestrecord.Row {
	if !requestrecord.HasOpen(rows) {
		return rows
	}
	e, err := p.connect(ctx)
	if err != nil {
		p.remark("note: progress of open requests unknown: %v", err)
		return rows
	}
	defer e.Close()
	if rows, err = requestrecord.Complete(ctx, e.Connection, rows); err != nil {
		p.remark("note: progress of some open requests unknown: %v", err)
	}
	return rows
}
