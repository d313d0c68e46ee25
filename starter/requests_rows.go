package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
)

// rowsOf makes one row of each request. One that was planned several times, since its
// principal had changed meanwhile, has an entry for each plan: the newest counts, asked
// when the first was made. A dry run that failed has no place here. The error names the
// entries that cannot be read; their requests have rows too.
func rowsOf(found []store.LedgerPair) ([]requestRow, error) {
	var rows []requestRow
	var unreadable []error
	seen := map[string]int{}
	for _, pair := range found {
		row, err := rowOf(pair)
		if err != nil {
			unreadable = append(unreadable, err)
		}
		run := ledger.RunOf(pair.Request).String()
		if i, again := seen[run]; again {
			rows[i].AskedAt = row.AskedAt
			continue
		}
		if strings.Contains(row.ID, dryRunMark) && neverPlanned(pair) {
			continue
		}
		seen[run] = len(rows)
		rows = append(rows, row)
	}
	return rows, errors.Join(unreadable...)
}

// rowOf is the row also where there is an error: it says then what cannot be read.
func rowOf(pair store.LedgerPair) (requestRow, error) {
	row := requestRow{ID: pair.Request.Request, AskedAt: pair.Request.At, State: stateOpen}
	asked, err := ledger.DecodeAs[ledger.Request](pair.Request)
	if err != nil {
		row.State, row.Message = stateUnreadable, err.Error()
		return row, err
	}
	plan := asked.Plan
	row.Op, row.Principal, row.Role, row.Scope = plan.Op, plan.Principal, plan.Role, plan.Scope
	row.Duration, row.Requester = plan.Terms.Duration, plan.Terms.Requester
	if pair.Receipt == nil {
		return row, nil
	}
	closed, err := ledger.DecodeAs[ledger.Receipt](*pair.Receipt)
	if err != nil {
		row.State, row.Message = stateUnreadable, err.Error()
		return row, err
	}
	receipt := closed.Receipt
	row.State, row.Outcome, row.Message = receipt.State, receipt.Outcome, receipt.Message
	return row, nil
}

// neverPlanned says that a request ended before there was a plan, as one whose names
// match nothing.
func neverPlanned(pair store.LedgerPair) bool {
	asked, err := ledger.DecodeAs[ledger.Request](pair.Request)
	return err == nil && !isMade(&asked.Plan)
}

// isMade says that a plan is more than what was asked for: who it is about was found, or
// is to be made.
func isMade(plan *access.Plan) bool {
	return plan != nil && (plan.Principal.ID != "" || plan.Account != nil)
}

// withWaits says of open requests why they wait for the console, and lists those that
// could not be planned yet, of which the ledger knows nothing.
func withWaits(rows []requestRow, waits []store.Wait, since *time.Time) []requestRow {
	for _, w := range waits {
		i := slices.IndexFunc(rows, func(r requestRow) bool { return r.ID == w.Request && r.State == stateOpen })
		switch {
		case i >= 0:
			rows[i].Waiting = livestatus.WaitText(w)
		case w.Step == activities.StepPlan && (since == nil || !w.Since.Before(*since)):
			rows = slices.Insert(rows, 0, requestRow{
				ID: w.Request, AskedAt: w.Since, State: stateOpen, Waiting: livestatus.WaitText(w), unplanned: true,
			})
		}
	}
	return rows
}

// take keeps what Temporal says of a request.
func (r *requestRow) take(g observation) {
	r.State = g.state()
	if g.status != nil {
		r.EndsAt, r.Waiting = g.status.EndsAt, g.status.Waiting
		if r.unplanned {
			r.Requester, r.AskedAt = g.status.Requester, g.status.StartedAt
		}
	}
	if g.result != nil {
		r.Outcome, r.Message, r.Waiting = g.result.Outcome, g.result.Message, ""
	}
	if g.failure != nil {
		r.Message, r.Waiting = g.failure.Error(), ""
	}
}
