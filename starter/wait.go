package main

import (
	"context"
	"errors"
	"fmt"
	"time"

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
