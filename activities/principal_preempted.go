package activities

import (
	"context"
	"path"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// adoptUnproven adopts the writes of other changes that were sent and never proven, as far as the console shows them:
// they are leases, not edits by hand. A release may have preempted such a change, or its writer may be gone.
func (w *changeAttempt) adoptUnproven(ctx context.Context, actual access.Read) error {
	if actual.Gone {
		return nil
	}
	since, err := w.store.LedgerOfSubject(ctx, w.consoleName, w.principal.String(), w.provenAt)
	if err != nil {
		return err
	}
	for _, key := range unprovenChanges(since) {
		if key != w.in.Change.Key {
			if err := w.adoptChange(ctx, key, since, actual); err != nil {
				return err
			}
		}
	}
	if w.late {
		w.known.Proven = actual.Holdings.Normal() // all of it is that write's
	}
	return nil
}

// unprovenChanges are the keys of changes with writes, oldest first. The last proof is older than all entries.
func unprovenChanges(entries []ledger.Entry) []string {
	var out []string
	for _, e := range entries {
		if key := ledger.ChangeOf(e); e.Kind == ledger.KindWrite && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

// adoptChange adopts one change of a request that has not ended.
func (w *changeAttempt) adoptChange(ctx context.Context, key string, since []ledger.Entry, actual access.Read) error {
	first := since[slices.IndexFunc(since, func(e ledger.Entry) bool { return ledger.ChangeOf(e) == key })]
	entries, err := w.store.LedgerOf(ctx, w.consoleName, first.Request)
	if err != nil {
		return err
	}
	if entries, err = genuine(ctx, w.store, entries, w.endsAccess()); err != nil {
		return err
	}
	record, err := authority.RecordOf(entries, ledger.RunOf(first))
	op := access.Op(path.Base(key))
	if err != nil || record.Receipt != nil && op != access.OpAcquire || !record.Requested() {
		return err
	}
	change, _, err := w.judge.ChangeOf(ctx, record, op, w.now().UTC())
	if err != nil {
		return err
	}
	return w.adoptPreempted(ctx, wire.ChangeRequest{Key: key, Request: first.Request, Change: change}, entries, actual)
}

// adoptPreempted adopts one preempted change by its last write that the console has not refused.
func (w *changeAttempt) adoptPreempted(
	ctx context.Context, in wire.ChangeRequest, entries []ledger.Entry, actual access.Read,
) error {
	writes, err := w.writesOf(ctx, entries, in.Key)
	if err != nil {
		return err
	}
	for _, s := range slices.Backward(writes) {
		switch {
		case w.landed(s.Step, actual):
			w.known = w.ownershipAfter(in.Change, s)
			return nil
		case w.mayArrive(s):
			return errMayStillArrive
		}
	}
	return nil
}

// ownershipAfter is what is known once a write is on the console.
func (w *changeAttempt) ownershipAfter(c access.Change, s sentWrite) access.OwnershipState {
	t := w.known
	if s.From == t.Digest() {
		return s.Step.Next
	}
	if c.Op == access.OpAcquire {
		if c = unclaimed(c, t); c.Lease.ID == "" {
			return t
		}
	}
	before := t.Proven
	if !t.Known {
		before = s.Write.Before
	}
	c.Rules.Separate = nil // it is there, whatever has come beside it
	return t.Apply(c, before).Next
}

// unclaimed is the acquisition of those leases of a change whose roles were not shown before: the others stand where
// they are. One that is known, and was lost or hidden by a later one, was acquired anew since. Without any, it is a
// change without a lease.
func unclaimed(c access.Change, t access.OwnershipState) access.Change {
	left := slices.DeleteFunc(c.Leases(), func(l access.Lease) bool {
		known, found := t.Lease(l.ID)
		return found && !known.Lost && t.Proven.Holds(l.Holding)
	})
	if len(left) == 0 {
		return access.Change{Op: c.Op}
	}
	return c.WithLeases(left)
}

// settle proves a write by an earlier attempt that is on the console. The writes of other changes that no proof has
// yet are adopted first: the proof ends the time in which they can be told from edits by hand.
func (w *changeAttempt) settle(
	ctx context.Context, s sentWrite, began time.Time, actual access.Read,
) (wire.WriteResult, error) {
	if err := w.beganAt(ctx, began); err != nil {
		return wire.WriteResult{}, err
	}
	if err := w.adoptUnproven(ctx, actual); err != nil {
		return wire.WriteResult{}, err
	}
	step := s.Step
	step.Next = w.ownershipAfter(w.in.Change.Change, s)
	return w.conclude(ctx, step, actual)
}

// mostArrivalWait is how long a change that removes access waits in all for writes that may still arrive, however many
// are cut off meanwhile. What arrives later is access past its end, and is released as such.
const mostArrivalWait = 2 * visibilityDelay

// mayArrive says that a write may still reach the console, or be shown by it.
func (w *changeAttempt) mayArrive(s sentWrite) bool {
	now := w.now()
	if w.endsAccess() && !w.since.IsZero() && now.Sub(w.since) >= mostArrivalWait {
		return false
	}
	return !s.refused() && now.Sub(s.sentBy()) < visibilityDelay
}
