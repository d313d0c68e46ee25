package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// requestAnswer is the output for programs.
type requestAnswer struct {
	startedRun

	State  string     `json:"state"`
	EndsAt *time.Time `json:"endsAt,omitempty"`
	// Status is how far it is; null once it has ended.
	Status *wire.RequestStatus `json:"status"`
	// Result is how it ended; null while it is open, and when it failed.
	Result *wire.RequestResult `json:"result"`
	Error  string              `json:"error,omitempty"`
}

// await waits for a request and prints its outcome.
func (p *app) await(ctx context.Context, e *temporalClient, run startedRun, o startRequest) error {
	last, err := requestrecord.Follow(ctx, e.Connection, run, o.settled, p.lines(run))
	if ctx.Err() != nil {
		return fmt.Errorf("stopped waiting; the request continues. Follow it with `starter show %s`",
			requestclient.ShortID(run.WorkflowID))
	}
	if err != nil {
		return err
	}
	failed := outcomeErr(last)
	if p.output.json {
		return errors.Join(p.emitJSON(answerFor(run, last)), failed)
	}
	p.report(ctx, run, last)
	return failed
}

func answerFor(run startedRun, g requestrecord.Observation) requestAnswer {
	a := requestAnswer{startedRun: run, State: g.State(), Status: g.Status, Result: g.Result}
	if g.Status != nil {
		a.EndsAt = g.Status.EndsAt
	}
	if g.Failure != nil {
		a.Error = g.Failure.Error()
	}
	return a
}

// lines prints the state of a request and what it waits for, each time that changes.
func (p *app) lines(run startedRun) func(requestrecord.Observation) {
	last := ""
	return func(g requestrecord.Observation) {
		text := g.Trouble
		if g.Status != nil {
			text = waitText(run.WorkflowID, *g.Status)
		}
		if text != "" && text != last {
			p.remark("%s", describe.Text(text))
		}
		last = text
	}
}

// outcomeErr is [requestrecord.Observation.Err] with the names of the flags.
func outcomeErr(o requestrecord.Observation) error {
	err := o.Err()
	if err == nil {
		return nil
	}
	return errors.New(asTyped(err.Error()))
}

// asTyped names a field of the input as the flag that sets it.
func asTyped(message string) string {
	return strings.ReplaceAll(message, "with allowLevelChange", "with `starter grant --allow-level-change`")
}

// report prints the current state and the next commands.
func (p *app) report(ctx context.Context, run startedRun, g requestrecord.Observation) {
	id := requestclient.ShortID(run.WorkflowID)
	switch {
	case g.Result != nil && g.Result.Plan != nil:
		p.emitTable(nil, p.planFacts(ctx, *g.Result.Plan))
		return
	case g.Result != nil && g.Result.Receipt != nil:
		r := g.Result.Receipt
		facts := [][]string{
			{"request", run.WorkflowID},
			{"what", describe.Plan(r.Plan)},
			{"state", describe.Result(r.State, r.Outcome)},
		}
		facts = append(facts, scopeRows(describe.NewNames(nil, &r.Plan), &r.Plan, r.Proofs)...)
		facts = append(facts, createdFacts(r.Proofs)...)
		for _, note := range r.Plan.Notes {
			facts = append(facts, []string{"note", note})
		}
		p.emitTable(nil, append(facts, []string{"receipt", r.Hash + ", " + r.Signed}))
	case g.Status != nil:
		p.reportRunning(run, *g.Status)
	}
	if !strings.Contains(id, requestrecord.DryRunMark) { // a failed dry run has no more to show
		p.remark("full record: `starter show %s`", id)
	}
}

func (p *app) reportRunning(run startedRun, s wire.RequestStatus) {
	id := requestclient.ShortID(run.WorkflowID)
	facts := [][]string{{"request", run.WorkflowID}}
	if s.Plan != nil {
		facts = append(facts, []string{"what", describe.Plan(*s.Plan)})
	}
	facts = append(facts, scopeRows(describe.NewNames(nil, s.Plan), s.Plan, s.Proofs)...)
	if s.Approval != nil && s.Approval.Review && s.Waiting != "" {
		facts = append(facts, []string{"waiting", s.Waiting})
	}
	switch {
	case s.State == wire.StateActive && s.EndsAt != nil:
		p.emitTable(nil, append(facts, []string{"state", describe.State(s.State, nil, s.EndsAt)}))
		p.remark("end it earlier with `starter end %[1]s`, or extend it with `starter extend %[1]s --for 2h`", id)
	case s.State == wire.StateScheduled && s.StartsAt != nil:
		p.emitTable(nil, append(facts, []string{"state", describe.State(s.State, s.StartsAt, nil)}))
		p.remark("cancel it before then with `starter cancel %s`", id)
	default:
		p.emitTable(nil, append(facts, []string{"state", s.State}))
	}
}
