package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// requestAnswer is the output for programs.
type requestAnswer struct {
	startedRun

	State  string     `json:"state"`
	EndsAt *time.Time `json:"endsAt,omitempty"`
	// Status is how far it is; null once it has ended.
	Status *wire.RequestStatus `json:"status"`
	// Result is how it ended; null while it goes on, and when it failed.
	Result *wire.RequestResult `json:"result"`
	Error  string              `json:"error,omitempty"`
}

// await waits for a request and says what became of it.
func (p *app) await(ctx context.Context, e *temporalClient, run startedRun, o startRequest) error {
	last, err := e.follow(ctx, run, o.settled, p.lines(run))
	if ctx.Err() != nil {
		return fmt.Errorf("stopped waiting; the request goes on. Look at it with `starter show %s`",
			typed(run.WorkflowID))
	}
	if err != nil {
		return err
	}
	failed := verdictOf(last)
	if p.output.json {
		return errors.Join(p.emitJSON(answerFor(run, last)), failed)
	}
	p.report(ctx, run, last)
	return failed
}

func answerFor(run startedRun, g observation) requestAnswer {
	a := requestAnswer{startedRun: run, State: g.state(), Status: g.status, Result: g.result}
	if g.status != nil {
		a.EndsAt = g.status.EndsAt
	}
	if g.failure != nil {
		a.Error = g.failure.Error()
	}
	return a
}

// lines shows on which state a request is, and what it waits for, where that changes.
func (p *app) lines(run startedRun) func(observation) {
	last := ""
	return func(g observation) {
		text := g.trouble
		if g.status != nil {
			text = waitText(run.WorkflowID, *g.status)
		}
		if text != "" && text != last {
			p.remark("%s", describe.Text(text))
		}
		last = text
	}
}

// verdictOf is nil if what was asked for is so, or is planned and can be.
func verdictOf(g observation) error {
	switch {
	case g.failure != nil:
		return g.failure
	case g.result == nil:
		return nil
	}
	switch g.result.State {
	case wire.StateDenied: // the message says so itself, and by whom
		return errors.New(asTyped(g.result.Message))
	case wire.StateRefused, wire.StateCancelled, wire.StateTimedOut:
		return errors.New(g.result.State + ": " + asTyped(g.result.Message))
	case wire.StatePlanned:
		if g.result.Message != "" {
			return errors.New("it would be refused: " + asTyped(g.result.Message))
		}
	}
	return nil
}

// asTyped names a field of the input as the flag that sets it.
func asTyped(message string) string {
	return strings.ReplaceAll(message, "with allowLevelChange", "with `starter grant --allow-level-change`")
}

// report tells people how it stands and what they can do now.
func (p *app) report(ctx context.Context, run startedRun, g observation) {
	id := typed(run.WorkflowID)
	switch {
	case g.result != nil && g.result.Plan != nil:
		p.emitTable(nil, p.planFacts(ctx, *g.result.Plan))
		return
	case g.result != nil && g.result.Receipt != nil:
		r := g.result.Receipt
		facts := [][]string{
			{"request", run.WorkflowID},
			{"what", describe.Plan(r.Plan)},
			{"state", describe.Result(r.State, r.Outcome)},
		}
		facts = append(facts, madeFacts(r.Proofs)...)
		for _, note := range r.Plan.Notes {
			facts = append(facts, []string{"note", note})
		}
		p.emitTable(nil, append(facts, []string{"receipt", r.Hash + ", " + r.Signed}))
	case g.status != nil:
		p.reportRunning(run, *g.status)
	}
	p.remark("all of it: `starter show %s`", id)
}

func (p *app) reportRunning(run startedRun, s wire.RequestStatus) {
	id := typed(run.WorkflowID)
	facts := [][]string{{"request", run.WorkflowID}}
	if s.Plan != nil {
		facts = append(facts, []string{"what", describe.Plan(*s.Plan)})
	}
	if s.Approval != nil && s.Approval.Review && s.Waiting != "" {
		facts = append(facts, []string{"waiting", s.Waiting})
	}
	switch {
	case s.State == wire.StateActive && s.EndsAt != nil:
		p.emitTable(nil, append(facts, []string{"state", describe.State(s.State, nil, s.EndsAt)}))
		p.remark("end it before with `starter end %[1]s`, or lengthen it with `starter extend %[1]s --for 2h`", id)
	case s.State == wire.StateScheduled && s.StartsAt != nil:
		p.emitTable(nil, append(facts, []string{"state", describe.State(s.State, s.StartsAt, nil)}))
		p.remark("call it off before with `starter cancel %s`", id)
	default:
		p.emitTable(nil, append(facts, []string{"state", s.State}))
	}
}
