package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/timetext"
)

// driftShown is how many assignments the table shows by default.
const driftShown = 1000

type driftCommand struct {
	*app

	kinds             []string
	user, serviceUser string
	role, scope       string
	since, console    string
	limit             int
	plan              bool
}

func newDriftCommand(a *app) *cobra.Command {
	c := &driftCommand{app: a}
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "List assignments that the ledger does not explain",
		Long: `List assignments that the ledger does not explain, by the last verified sync and the ledger. The kinds:

  overdue       granted until an end that is more than a minute ago, and not released; a running
                worker releases it
  unexplained   given by hand since the first verified sync, and not adopted
  missing       granted by a request that is in force, and removed by hand
  unauthorized  written under our token, without a request on record

Changes of ours that are newer than the sync are no drift. Filters are combined.
A date in --since means the start of that day, UTC.

With --plan, also say what the worker would do about each, and when: release what is overdue, and
what the drift rules of POLICY_FILE say. Nothing is done.

The exit code is 1 if any assignment matches.`,
		Example: `  starter drift
  starter drift --kind overdue
  starter drift --since 24h --scope "Acme / Berlin"
  starter drift --user ana@example.com -o json
  starter drift --plan`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	f := cmd.Flags()
	f.StringSliceVar(&c.kinds, "kind", nil, "only these kinds: overdue, unexplained, missing or unauthorized")
	f.StringVar(&c.user, "user", "", "e-mail, name or id of a user")
	f.StringVar(&c.serviceUser, "service-user", "", "name or id of a service user")
	f.StringVar(&c.role, "role", "", "name or id of a role")
	f.StringVar(&c.scope, "scope", "", `name or id of an account or site, "Account / Site", or "tenant"`)
	f.StringVar(&c.since, "since", "", "only drift that began then or later: "+timeHelp)
	f.IntVar(&c.limit, "limit", driftShown, "maximum number of rows in the table; 0 for all")
	f.BoolVar(&c.plan, "plan", false, "say what the worker would do, by the drift rules of POLICY_FILE")
	consoleFlag(cmd, &c.console)
	cmd.MarkFlagsMutuallyExclusive("user", "service-user")
	var kinds []string
	for _, k := range drift.Drifts() {
		kinds = append(kinds, string(k))
	}
	complete(cmd, "kind", kinds...)
	return cmd
}

func (c *driftCommand) execute(ctx context.Context) error {
	query, err := c.query()
	if err != nil {
		return err
	}
	q, err := c.ask(ctx, c.console, nil)
	if err != nil {
		return err
	}
	defer q.close()
	query.Console = q.host
	summary, err := q.db.DriftSummary(ctx, q.host, query.Now)
	if err != nil {
		return err
	}
	planner, err := c.planner()
	if err != nil {
		return err
	}
	var counts drift.Counts
	if c.output.json {
		counts, err = c.printJSON(ctx, q, query, summary, planner)
	} else {
		c.explain(q)
		c.remarkBehind(summary)
		counts, err = c.printTable(ctx, q, query, planner)
	}
	if err != nil || counts.Drift() == 0 {
		return err
	}
	return fmt.Errorf("drift: %s: see docs/runbook.md, \"Drift and overdue access\"", counts)
}

func (c *driftCommand) query() (store.DriftQuery, error) {
	out := store.DriftQuery{Now: c.now().UTC(), Role: c.role, Scope: c.scope}
	for _, name := range c.kinds {
		k, err := drift.ParseKind(name)
		if err != nil {
			return out, usage("--kind: %w", err)
		}
		out.Kinds = append(out.Kinds, k)
	}
	if c.limit < 0 {
		return out, usage("--limit: %d is below 0: give 0 for all", c.limit)
	}
	switch {
	case c.user != "":
		out.Kind, out.Principal = access.User, c.user
	case c.serviceUser != "":
		out.Kind, out.Principal = access.ServiceUser, c.serviceUser
	}
	var err error
	out.Since, err = c.timeFlag("since", c.since, timetext.StartOfDay)
	return out, err
}

// remarkBehind says that the answer may be incomplete, since no worker has taken in the newest entries of the ledger.
func (p *app) remarkBehind(s store.DriftSummary) {
	if s.At.IsZero() {
		p.remark("note: no sync has been held against the ledger yet: run `starter sync --wait`")
	}
	if s.Behind > 0 {
		p.remark("note: the last %d entries of the ledger are not in the answer yet: a running worker takes them in",
			s.Behind)
	}
}

// printTable prints at most as many rows as the limit, and counts all.
func (c *driftCommand) printTable(
	ctx context.Context, q readContext, query store.DriftQuery, planner driftPlanner,
) (drift.Counts, error) {
	counts := drift.Counts{}
	var rows []store.DriftRow
	err := q.db.Drift(ctx, query, func(r store.DriftRow) error {
		counts[r.Drift]++
		if c.limit == 0 || len(rows) < c.limit {
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		c.remark("no drift")
		return counts, nil
	}
	header, lines := driftTable(rows)
	if c.plan {
		header = append(header, "plan")
		for i, r := range rows {
			lines[i] = append(lines[i], planner.cell(r))
		}
	}
	c.emitTable(header, lines)
	if n := counts.Drift(); n > len(rows) {
		c.remark("these are %d of %d; --limit 0 shows all", len(rows), n)
	}
	return counts, nil
}

func driftTable(rows []store.DriftRow) (header []string, lines [][]string) {
	held := make([]store.AccessRow, len(rows))
	for i, r := range rows {
		held[i] = store.AccessRow{
			Kind: r.Kind, ID: r.ID, Email: r.Email, Name: r.Name, RoleID: r.RoleID, RoleName: r.RoleName,
			Predefined: r.Predefined, Level: r.Level, ScopeID: r.ScopeID, ScopeName: r.ScopeName, Since: r.Since,
		}
	}
	labels := &describe.Labels{}
	for _, r := range held {
		noteAccess(labels, r)
	}
	for i, r := range rows {
		line := append([]string{string(r.Drift)}, accessCells(labels, held[i])...)
		lines = append(lines, append(line, describe.Minute(r.Since), r.Request, describe.Authors(r.By)))
	}
	return []string{"drift", "principal", "kind", "role", "level", "scope", "since", "request", "by"}, lines
}

// driftAnswer is the output for programs, without its rows, which are written one by one before the counts.
type driftAnswer struct {
	provenance
	// ExplainedAt is when the sync was last held against the ledger; absent if it never was.
	ExplainedAt *time.Time `json:"explainedAt,omitempty"`
	// Behind is how many entries of the ledger are not taken into account yet.
	Behind int64 `json:"behind"`
}

// printJSON writes one object: what the answer rests on, "drift" with a row for each assignment, and "counts". It
// holds one row at a time.
func (c *driftCommand) printJSON(
	ctx context.Context, q readContext, query store.DriftQuery, summary store.DriftSummary, planner driftPlanner,
) (drift.Counts, error) {
	answer := driftAnswer{provenance: q.basis(), Behind: summary.Behind}
	if !summary.At.IsZero() {
		answer.ExplainedAt = &summary.At
	}
	head, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	counts := drift.Counts{}
	for _, k := range drift.Drifts() {
		counts[k] = 0
	}
	out := jsonWriter{to: c.app}
	out.raw(string(head[:len(head)-len("\n}")]) + ",\n  \"drift\": [")
	rows := 0
	err = q.db.Drift(ctx, query, func(r store.DriftRow) error {
		counts[r.Drift]++
		if rows++; rows > 1 {
			out.raw(",")
		}
		out.raw("\n    ")
		return out.value(planner.of(r), "    ")
	})
	if err != nil {
		return nil, err
	}
	if rows > 0 {
		out.raw("\n  ")
	}
	out.raw("],\n  \"counts\": ")
	err = out.value(counts, "  ")
	out.raw("\n}\n")
	return counts, errors.Join(err, out.err)
}

// jsonWriter writes JSON piece by piece, and keeps the first error.
type jsonWriter struct {
	to  *app
	err error
}

func (w *jsonWriter) raw(text string) {
	if w.err == nil {
		_, w.err = w.to.out.Write(describe.JSON([]byte(text)))
	}
}

// value writes a value whose lines after the first are indented by prefix.
func (w *jsonWriter) value(v any, prefix string) error {
	text, err := json.MarshalIndent(v, prefix, "  ")
	if err == nil {
		w.raw(string(text))
	}
	return errors.Join(err, w.err)
}

// checkDrift says whether the ledger explains the assignments of the last sync.
func checkDrift(ctx context.Context, a *app, host string) finding {
	f := finding{Name: partDrift}
	db, err := a.openStore(ctx)
	if err != nil {
		return untested(partDrift)
	}
	defer func() { _ = db.Close() }()
	s, err := db.DriftSummary(ctx, host, a.now().UTC())
	switch {
	case err != nil:
		f.Detail = err.Error()
	case s.Counts.Drift() > 0:
		f.Detail, f.Fix = s.Counts.String()+": run `starter drift`", "starter drift"
	case s.At.IsZero():
		f.OK, f.Detail = true, "no sync has been held against the ledger yet"
	default:
		f.OK, f.Detail = true, fmt.Sprintf("none; explained %s (%s)",
			describe.Minute(s.At), describe.Ago(s.At, a.now()))
	}
	return f
}

// driftLine is the drift of a console in a few words, for `status`; "" where the database cannot say.
func (p *app) driftLine(ctx context.Context) (string, *store.DriftSummary) {
	db, host, err := p.openLedger(ctx, "")
	if err != nil {
		return "", nil
	}
	defer func() { _ = db.Close() }()
	s, err := db.DriftSummary(ctx, host, p.now().UTC())
	if err != nil || s.At.IsZero() && s.Counts.Drift() == 0 {
		return "", nil
	}
	if s.Counts.Drift() == 0 {
		return "none", &s
	}
	return s.Counts.String() + ": run `starter drift`", &s
}
