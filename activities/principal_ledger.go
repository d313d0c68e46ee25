package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// loadHistory reads from the ledger the proof of this change, or else its writes.
func (w *changeAttempt) loadHistory(ctx context.Context) (done *wire.WriteResult, err error) {
	ended := ledger.ProofKey(access.ChangeKey(w.in.Change.Change.Lease.ID, access.OpRelease))
	for _, e := range w.entries {
		switch {
		case e.Key == w.proofKey():
			return w.keptResult(ctx, e)
		case e.Key == ended && !endsAccess(w.in.Change.Change.Op):
			return w.cancelledResult(), nil
		}
	}
	w.writes, err = w.writesOf(ctx, w.entries, w.in.Change.Key)
	return nil, err
}

// keptResult is the answer of before, with what is known by now. A release is not believed
// from the ledger alone: the console is read once more, as evidence of what it shows.
func (w *changeAttempt) keptResult(ctx context.Context, e ledger.Entry) (*wire.WriteResult, error) {
	kept, err := ledger.DecodeAs[ledger.Proof](e)
	if err == nil && kept.Roles == nil {
		err = otherSubject(e, "a change of roles")
	}
	if err != nil {
		return nil, err
	}
	out := &wire.WriteResult{
		Proof: kept.Proof, Next: w.known.LeasesOnly(), Message: kept.Message, From: kept.Roles.From, EndsAt: w.endsAt,
	}
	if w.in.Change.Change.Op == access.OpRelease {
		again, err := w.read(ctx)
		if err != nil {
			return nil, err
		}
		out.Proof.Reads = append(slices.Clone(out.Proof.Reads), again)
	}
	return out, nil
}

// otherSubject says that an entry under a key of ours is about something else.
func otherSubject(e ledger.Entry, want string) error {
	return fmt.Errorf("entry %d of the ledger (key %q) is not about %s: run `starter ledger verify`",
		e.Seq, e.Key, want)
}

// cancelledResult answers a change that was cancelled before it arrived.
func (w *changeAttempt) cancelledResult() *wire.WriteResult {
	return &wire.WriteResult{Next: w.known.LeasesOnly(), Proof: access.Proof{
		Op: w.in.Change.Change.Op, Key: w.in.Change.Key, Outcome: access.NotApplied, Reads: []access.Read{},
	}}
}

// writesOf lists the writes of a change of roles, oldest first, with all lists of roles.
func (w *changeAttempt) writesOf(ctx context.Context, entries []ledger.Entry, change string) ([]sentWrite, error) {
	out, err := writesIn(entries, change)
	for i := range out {
		err = errors.Join(err, w.loadLists(ctx, &out[i]))
	}
	return out, err
}

// Lists implements [store.Listing].
func (s *sentWrite) Lists(do func(*access.Holdings)) {
	s.Write.Lists(do)
	s.Step.Lists(do)
}

func writesIn(entries []ledger.Entry, change string) ([]sentWrite, error) {
	var out []sentWrite
	for _, e := range entries {
		switch {
		case ledger.ChangeOf(e) != change:
		case e.Kind == ledger.KindWrite:
			kept, err := ledger.DecodeAs[ledger.Write](e)
			if err == nil && kept.Roles == nil {
				err = otherSubject(e, "a change of roles")
			}
			if err != nil {
				return nil, err
			}
			out = append(out, sentWrite{Write: kept.Write, Step: kept.Roles.Step, From: kept.Roles.From, seq: e.Seq})
		case e.Kind == ledger.KindAnswer && len(out) > 0:
			kept, err := ledger.DecodeAs[ledger.Answer](e)
			if err != nil {
				return nil, err
			}
			last := &out[len(out)-1]
			last.Write, last.answered, last.endedAt = kept.Write, true, e.At
		}
	}
	return out, nil
}

func resultOf(r *wire.WriteResult) wire.WriteResult {
	if r == nil {
		return wire.WriteResult{}
	}
	return *r
}

// ownership is what is known of the principal, with leases that the last proof does not
// know: one whose proof is older than the proofs that name their principal, or one that
// was cancelled midway, whose writes are in the ledger.
func (w *changeAttempt) ownership(ctx context.Context, actual access.Read) (access.OwnershipState, error) {
	known, lease := w.known, w.in.Change.Change.Lease
	if _, found := known.Lease(lease.ID); found || w.in.Change.Change.Op != access.OpRelease {
		return known, nil
	}
	if given, found := w.record.Given(); found {
		// A permanent grant has no lease. Without a receipt it is none either, and what it put there is its own.
		if !known.Known || given.Op == access.OpGrant && len(given.Writes) > 0 {
			return known.AdoptLeases(w.in.Change.Change, given.Before), nil
		}
		return known, nil
	}
	return w.adoptCancelled(ctx, known, lease, actual)
}

// adoptCancelled finds out whether an acquisition that was cancelled midway reached the console, and adopts its
// lease if so.
func (w *changeAttempt) adoptCancelled(
	ctx context.Context, known access.OwnershipState, lease access.Lease, actual access.Read,
) (access.OwnershipState, error) {
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		writes, err := w.writesOf(ctx, w.entries, access.ChangeKey(lease.ID, op))
		if err != nil {
			return known, err
		}
		for _, s := range slices.Backward(writes) {
			if w.landed(s.Step, actual) {
				before := s.Step.Next.Baseline
				if op == access.OpGrant { // which has put the role there
					before = s.Write.Before
				}
				return known.AdoptLeases(w.in.Change.Change, before), nil
			}
			if w.mayArrive(s) {
				return known, errMayStillArrive
			}
		}
	}
	return known, nil
}
