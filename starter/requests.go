package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
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
	if p.output.json {
		return errors.Join(p.emitJSON(requestsAnswer{Console: host, Requests: rows}), err)
	}
	if len(rows) == 0 {
		p.remark("no request of %s matches", host)
		return nil
	}
	p.emitTable(requestsTable(rows))
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

func requestsTable(rows []requestrecord.Row) (header []string, lines [][]string) {
	var labels describe.Labels
	for _, r := range rows {
		labels.Add("principal", cmp.Or(r.Principal.Email, r.Principal.Name), r.Principal.ID)
		labels.Add("role", r.Role.Name, r.Role.ID)
		labels.Add("scope", r.Scope.Name, r.Scope.ID)
	}
	for _, r := range rows {
		scope := cmp.Or(labels.Label("scope", r.Scope.Name, r.Scope.ID), string(r.Scope.Level))
		lines = append(lines, []string{
			r.ID, operation(r), labels.Label("principal", cmp.Or(r.Principal.Email, r.Principal.Name), r.Principal.ID),
			labels.Label("role", r.Role.Name, r.Role.ID), scope, r.Requester, describe.Minute(r.AskedAt), stateCell(r),
		})
	}
	return []string{"id", "what", "principal", "role", "scope", "requester", "requested", "state"}, lines
}

// operation names the operation, with the duration of a time-bound grant.
func operation(r requestrecord.Row) string {
	if r.Op == access.OpAcquire {
		return fmt.Sprintf("%s %s", access.OpGrant, describe.Duration(r.Duration))
	}
	return string(r.Op)
}

// stateCell is the state with what belongs to it.
func stateCell(r requestrecord.Row) string {
	text := r.State
	switch {
	case r.EndsAt != nil:
		text += " until " + describe.Minute(*r.EndsAt)
	case r.Waiting != "":
		text += ": " + r.Waiting
	case r.Outcome != "":
		text += ": " + string(r.Outcome)
	case r.State == wire.StateFailed, r.State == requestrecord.StateUnreadable:
		text += ": " + r.Message
	}
	return text
}
