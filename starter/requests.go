package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

type requestsOptions struct {
	open           bool
	since, console string
	waitingFor     string
	limit          int
}

// requestsShown is how many requests are listed unless more are asked for.
const requestsShown = 50

func (p *app) requestsCommand() *cobra.Command {
	var o requestsOptions
	cmd := &cobra.Command{
		Use:   "requests",
		Short: "What was asked for, and what became of it",
		Long: `What was asked for, and what became of it, newest first, by the ledger. Of open requests
Temporal tells how far they are, if it answers.

--waiting-for lists instead what waits for one person's word now: "me" is what --by of
` + "`starter approve`" + ` defaults to. Only Temporal knows that.

A bare date in --since means the start of that day, UTC.`,
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
	cmd.Flags().BoolVar(&o.open, "open", false, "only what has not ended")
	cmd.Flags().StringVar(&o.waitingFor, "waiting-for", "", "what waits for a person's word: me, or an e-mail address")
	for _, other := range []string{"open", "since", "limit"} {
		defer cmd.MarkFlagsMutuallyExclusive("waiting-for", other)
	}
	cmd.Flags().StringVar(&o.since, "since", "", "asked from when on: "+timeHelp)
	cmd.Flags().IntVar(&o.limit, "limit", requestsShown, "at most so many; 0 for all")
	consoleFlag(cmd, &o.console)
	return cmd
}

// requestsAnswer is the output for programs.
type requestsAnswer struct {
	Console  string       `json:"console"`
	Requests []requestRow `json:"requests"`
}

// requestRow is one request.
type requestRow struct {
	ID        string              `json:"id"` // workflow id
	Op        access.Op           `json:"op"`
	Principal access.PrincipalRef `json:"principal"`
	Role      access.RoleRef      `json:"role"`
	Scope     access.ScopeRef     `json:"scope"`
	Duration  access.Duration     `json:"duration,omitzero"` // of a grant for a time
	Requester string              `json:"requester"`
	AskedAt   time.Time           `json:"askedAt"`
	// State is "open" where nobody tells how far it is, "unreadable" where its entry in the
	// ledger cannot be read: the message says why.
	State   string         `json:"state"`
	Outcome access.Outcome `json:"outcome,omitempty"`
	EndsAt  *time.Time     `json:"endsAt,omitempty"`
	Waiting string         `json:"waiting,omitempty"`
	Message string         `json:"message,omitempty"` // why it ended so

	// unplanned says that the ledger does not know it, only that it waits for its plan;
	// gone that Temporal does not know it, or that it is over.
	unplanned, gone bool
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
	found, err := db.Requests(ctx, store.RequestsQuery{Console: host, Limit: o.limit, Open: o.open, Since: since})
	if err != nil {
		return err
	}
	rows, unreadable := rowsOf(found)
	waits, err := db.Waits(ctx, host)
	if err != nil {
		return err
	}
	rows = p.askTemporal(ctx, withWaits(rows, waits, since))
	if p.output.json {
		return errors.Join(p.emitJSON(requestsAnswer{Console: host, Requests: rows}), unreadable)
	}
	if len(rows) == 0 {
		p.remark("no request of %s matches", host)
		return nil
	}
	p.emitTable(requestsTable(rows))
	if o.limit > 0 && len(found) == o.limit {
		p.remark("these are the newest %d; --limit 0 shows all", o.limit)
	}
	return unreadable
}

func requestsTable(rows []requestRow) (header []string, lines [][]string) {
	var labels describe.Labels
	for _, r := range rows {
		labels.Add("principal", cmp.Or(r.Principal.Email, r.Principal.Name), r.Principal.ID)
		labels.Add("role", r.Role.Name, r.Role.ID)
		labels.Add("scope", r.Scope.Name, r.Scope.ID)
	}
	for _, r := range rows {
		scope := cmp.Or(labels.Label("scope", r.Scope.Name, r.Scope.ID), string(r.Scope.Level))
		lines = append(lines, []string{
			r.ID, r.what(), labels.Label("principal", cmp.Or(r.Principal.Email, r.Principal.Name), r.Principal.ID),
			labels.Label("role", r.Role.Name, r.Role.ID), scope, r.Requester, describe.Minute(r.AskedAt), r.progress(),
		})
	}
	return []string{"id", "what", "principal", "role", "scope", "requester", "asked", "state"}, lines
}

// what is asked, in a word or two.
func (r requestRow) what() string {
	if r.Op == access.OpAcquire {
		return fmt.Sprintf("%s %s", access.OpGrant, describe.Duration(r.Duration))
	}
	return string(r.Op)
}

// progress is the state with what belongs to it.
func (r requestRow) progress() string {
	text := r.State
	switch {
	case r.EndsAt != nil:
		text += " until " + describe.Minute(*r.EndsAt)
	case r.Waiting != "":
		text += ": " + r.Waiting
	case r.Outcome != "":
		text += ": " + string(r.Outcome)
	case r.State == wire.StateFailed, r.State == stateUnreadable:
		text += ": " + r.Message
	}
	return text
}
