package activities

import (
	"context"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// adoptAllPreempted adopts the writes of preempted changes that the console shows: they are leases, not edits by
// hand.
func (w *changeAttempt) adoptAllPreempted(ctx context.Context, actual access.Read) error {
	for _, in := range w.in.Preempted {
		if in.Key == w.in.Change.Key || actual.Gone {
			continue
		}
		entries, err := w.store.LedgerOf(ctx, w.in.Writer.Console, in.Request)
		if err == nil {
			err = w.adoptPreempted(in, entries, actual)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// adoptPreempted adopts one preempted change by its last write that the console has not refused.
func (w *changeAttempt) adoptPreempted(in wire.ChangeRequest, entries []ledger.Entry, actual access.Read) error {
	writes, err := writesOf(entries, in.Key)
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(writes) {
		switch {
		case w.landed(s.Step, actual):
			w.in.Ownership = w.ownershipAfter(in.Change, s)
			return nil
		case w.mayArrive(s):
			return errMayStillArrive
		}
	}
	return nil
}

// ownershipAfter is what is known once a write that gives access is on the console.
func (w *changeAttempt) ownershipAfter(c access.Change, s sentWrite) access.OwnershipState {
	t := w.in.Ownership
	if s.From == t.Digest() {
		return s.Step.Next
	}
	if _, known := t.Lease(c.Lease.ID); known && c.Op != access.OpGrant { // which ends it
		return t
	}
	before := t.Proven
	if !t.Known {
		before = s.Write.Before
	}
	c.Rules.Separate = nil // it is there, whatever has come beside it
	return t.Apply(c, before).Next
}

// stepFromWrite is the step of a write by an earlier attempt that is on the console. What was
// known then may be old: other changes have been made since, where it was stopped.
func (w *changeAttempt) stepFromWrite(s sentWrite, actual access.Read) access.Step {
	step := s.Step
	switch {
	case s.From == w.from:
	case !endsAccess(w.in.Change.Change.Op):
		step.Next = w.ownershipAfter(w.in.Change.Change, s)
	default:
		step.Next = w.in.Ownership.Apply(w.in.Change.Change, actual.Holdings).Next
	}
	return step
}

// mayArrive says that a write may still reach the console, or be shown by it.
func (w *changeAttempt) mayArrive(s sentWrite) bool {
	return !s.refused() && w.now().Sub(s.Write.At) < visibilityDelay
}
