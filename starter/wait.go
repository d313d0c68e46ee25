package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// statusReader reads the progress of a sync; [temporalClient] implements it.
type statusReader interface {
	look(ctx context.Context, run startedRun) (pendingObservation, error)
}

// display shows a running sync.
type display interface {
	show(s pendingObservation)
	// end leaves the terminal as it was.
	end()
}

// errHeld means that a sync waits for a decision.
var errHeld = errors.New("the sync is quarantined: queries do not use it until someone confirms it")

// wait follows a sync to its end and prints how it ended. It outlives Temporal and
// the worker being away.
func (p *app) wait(ctx context.Context, e statusReader, run startedRun) error {
	last, err := watch(ctx, e, run, p.display())
	if ctx.Err() != nil {
		return fmt.Errorf("stopped watching; the sync continues. Resume with `starter sync --wait%s`, "+
			"or see `starter status%s`", p.idFlag(run.WorkflowID), p.idFlag(run.WorkflowID))
	}
	if err != nil {
		return err
	}
	if p.output.json {
		err = p.emitJSON(outcomeOf(run, last))
	} else {
		p.conclude(run, last)
	}
	return errors.Join(err, verdict(last))
}

// watch looks until there is nothing more to see.
func watch(ctx context.Context, e statusReader, run startedRun, d display) (pendingObservation, error) {
	defer d.end()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		seen, err := e.look(ctx, run)
		if err != nil || ctx.Err() != nil {
			return seen, err
		}
		d.show(seen)
		if seen.over || seen.quarantined() {
			return seen, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return seen, ctx.Err()
		}
	}
}

// verdict is nil if what the sync saw is what questions are now answered from.
func verdict(s pendingObservation) error {
	switch {
	case s.failure != nil:
		return s.failure
	case s.quarantined():
		return errHeld
	case s.result != nil && s.result.State == wire.StateQuarantined:
		return errors.New("the sync was discarded: queries keep using the last verified sync")
	}
	return nil
}

// outcome is the output for programs.
type outcome struct {
	startedRun

	Result     *wire.SyncResult `json:"result"` // null unless it has ended well or was discarded
	Quarantine *wire.Quarantine `json:"quarantine,omitempty"`
	Error      string           `json:"error,omitempty"`
}

func outcomeOf(run startedRun, s pendingObservation) outcome {
	o := outcome{startedRun: run, Result: s.result}
	if s.failure != nil {
		o.Error = s.failure.Error()
	}
	if s.quarantined() {
		o.Quarantine = s.status.Quarantine
	}
	return o
}

// conclude prints how the sync ended and the next commands.
func (p *app) conclude(run startedRun, s pendingObservation) {
	if s.quarantined() {
		p.explainQuarantine(run.WorkflowID, *s.status.Quarantine)
		return
	}
	if s.result == nil {
		return
	}
	p.emitTable([]string{"synced", "rows"}, countRows(s.result.Counts))
	r := s.result
	fmt.Fprintf(p.out, "\n%s: assignments +%d -%d, %s in %s\n", r.State, r.Changes.Added, r.Changes.Removed,
		describe.Plural(r.Requests, "request"), r.FinishedAt.Sub(r.StartedAt).Round(100*time.Millisecond))
	for _, w := range r.Warnings {
		p.remark("warning: %s", w)
	}
}

func (p *app) explainQuarantine(id string, q wire.Quarantine) {
	flag := p.idFlag(id)
	fmt.Fprintln(p.out, "quarantined, because:")
	for _, why := range q.Reasons {
		fmt.Fprintf(p.out, "  - %s\n", describe.Text(why))
	}
	fmt.Fprintf(p.out, `
Queries use the last verified sync meanwhile. If this one is right, promote it; if not, discard it:
  starter confirm%[1]s
  starter discard%[1]s
or with the temporal command:
  temporal workflow update execute --workflow-id %[2]s --name confirm --input '{"by":"ana@example.com"}'
  temporal workflow update execute --workflow-id %[2]s --name discard --input '{"by":"ana@example.com"}'
Without a decision by %[3]s it is discarded.
`, flag, id, describe.Minute(q.Until))
}
