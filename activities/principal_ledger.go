package activities

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// loadHistory reads from the ledger the proof of this change, or else its writes.
func (w *changeAttempt) loadHistory(ctx context.Context) (*wire.WriteResult, error) {
	entries, err := w.store.LedgerOf(ctx, w.in.Writer.Console, w.in.Change.Request)
	if err != nil {
		return nil, err
	}
	ended := ledger.ProofKey(access.ChangeKey(w.in.Change.Change.Lease.ID, access.OpRelease))
	for _, e := range entries {
		switch {
		case e.Key == w.proofKey():
			return w.keptResult(e)
		case e.Key == ended && !endsAccess(w.in.Change.Change.Op):
			return w.cancelledResult(), nil
		}
	}
	w.writes, err = writesOf(entries, w.in.Change.Key)
	return nil, err
}

// keptResult is the answer of before.
func (w *changeAttempt) keptResult(e ledger.Entry) (*wire.WriteResult, error) {
	kept, err := ledger.DecodeAs[ledger.Proof](e)
	if err == nil && kept.Roles == nil {
		err = otherSubject(e, "a change of roles")
	}
	if err != nil {
		return nil, err
	}
	return &wire.WriteResult{
		Proof: kept.Proof, Next: kept.Roles.Next, Message: kept.Message, From: kept.Roles.From,
		Recalled: kept.Roles.From != w.from,
	}, nil
}

// otherSubject says that an entry under a key of ours is about something else.
func otherSubject(e ledger.Entry, want string) error {
	return fmt.Errorf("entry %d of the ledger (key %q) is not about %s: run `starter ledger verify`",
		e.Seq, e.Key, want)
}

// cancelledResult answers a change that was cancelled before it arrived.
func (w *changeAttempt) cancelledResult() *wire.WriteResult {
	return &wire.WriteResult{Next: w.in.Ownership, Proof: access.Proof{
		Op: w.in.Change.Change.Op, Key: w.in.Change.Key, Outcome: access.NotApplied, Reads: []access.Read{},
	}}
}

// writesOf lists the writes of a change of roles, oldest first.
func writesOf(entries []ledger.Entry, change string) ([]sentWrite, error) {
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
			out = append(out, sentWrite{Write: kept.Write, Step: kept.Roles.Step, From: kept.Roles.From})
		case e.Kind == ledger.KindAnswer && len(out) > 0:
			kept, err := ledger.DecodeAs[ledger.Answer](e)
			if err != nil {
				return nil, err
			}
			last := &out[len(out)-1]
			last.Write, last.answered = kept.Write, true
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

// ownership is what is known of the principal. A writer may not know a lease that it is
// to release: one it gave before it was stopped, whose proof comes with the change, or
// one that was cancelled midway, whose writes are in the ledger.
func (w *changeAttempt) ownership(ctx context.Context, actual access.Read) (access.OwnershipState, error) {
	t, lease, grant := w.in.Ownership, w.in.Change.Change.Lease, w.in.Change.GrantProof
	if _, known := t.Lease(lease.ID); known {
		return t, nil
	}
	switch {
	case grant != nil && grant.Granted():
		return t.AdoptLease(lease, grant.Before), nil
	case grant == nil && w.in.Change.Change.Op == access.OpRelease:
		return w.adoptCancelled(ctx, t, lease, actual)
	}
	return t, nil
}

// adoptCancelled finds out whether an acquisition that was cancelled midway reached the console, and adopts its
// lease if so.
func (w *changeAttempt) adoptCancelled(
	ctx context.Context, t access.OwnershipState, lease access.Lease, actual access.Read,
) (access.OwnershipState, error) {
	entries, err := w.store.LedgerOf(ctx, w.in.Writer.Console, w.in.Change.Request)
	if err != nil {
		return t, err
	}
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		writes, err := writesOf(entries, access.ChangeKey(lease.ID, op))
		if err != nil {
			return t, err
		}
		for _, s := range slices.Backward(writes) {
			if w.landed(s.Step, actual) {
				return t.AdoptLease(lease, s.Write.Before), nil
			}
			if w.mayArrive(s) {
				return t, errMayStillArrive
			}
		}
	}
	return t, nil
}

// refused says that the console has said no, so nothing of the write can arrive later.
func (s sentWrite) refused() bool {
	return s.answered && s.Write.Status >= http.StatusBadRequest && s.Write.Status < http.StatusInternalServerError
}
