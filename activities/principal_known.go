package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

func (w *writing) key(what string) string { return w.in.Change.Key + "/" + what }
func (w *writing) writeKey(n int) string  { return fmt.Sprintf("%s/%d", w.key(EntryWrite), n) }
func (w *writing) answerKey(n int) string { return fmt.Sprintf("%s/%d", w.key(EntryAnswer), n) }

// recall finds what the ledger knows of this change: its proof, or its writes.
func (w *writing) recall(ctx context.Context) (*WriteResult, error) {
	entries, err := w.store.LedgerOf(ctx, w.in.Writer.Console, w.in.Change.Request)
	if err != nil {
		return nil, err
	}
	ended := ChangeKey(w.in.Change.Change.Lease.ID, access.OpRelease) + "/" + EntryProof
	for _, e := range entries {
		switch {
		case e.Key == w.key(EntryProof):
			return w.recalled(e)
		case e.Key == ended && !takesAway(w.in.Change.Change.Op):
			return w.tooLate(), nil
		}
	}
	w.writes, err = writesOf(entries, w.in.Change.Key)
	return nil, err
}

// recalled is the answer of before.
func (w *writing) recalled(e store.LedgerEntry) (*WriteResult, error) {
	out, err := decodeEntry[WriteResult](e)
	if err == nil {
		out.Recalled = out.From != w.from
	}
	return out, err
}

// tooLate answers a change that was called off before it came.
func (w *writing) tooLate() *WriteResult {
	return &WriteResult{Next: w.in.Ownership, Proof: access.Proof{
		Op: w.in.Change.Change.Op, Key: w.in.Change.Key, Outcome: access.NotApplied, Reads: []access.Read{},
	}}
}

// writesOf lists the writes of a change, oldest first.
func writesOf(entries []store.LedgerEntry, key string) ([]sent, error) {
	var out []sent
	for _, e := range entries {
		switch {
		case e.Kind == EntryWrite && strings.HasPrefix(e.Key, key+"/"+EntryWrite+"/"):
			s, err := decodeEntry[sent](e)
			if err != nil {
				return nil, err
			}
			out = append(out, *s)
		case e.Kind == EntryAnswer && strings.HasPrefix(e.Key, key+"/"+EntryAnswer+"/") && len(out) > 0:
			a, err := decodeEntry[access.Write](e)
			if err != nil {
				return nil, err
			}
			out[len(out)-1].Write, out[len(out)-1].answered = *a, true
		}
	}
	return out, nil
}

func decodeEntry[T any](e store.LedgerEntry) (*T, error) {
	var out T
	if err := json.Unmarshal(e.Body, &out); err != nil {
		return nil, fmt.Errorf("read entry %d of the ledger: %w", e.Seq, err)
	}
	return &out, nil
}

func deref(r *WriteResult) WriteResult {
	if r == nil {
		return WriteResult{}
	}
	return *r
}

// ownership is what is known of the principal. A writer may not know a lease that it is
// to release: one it gave before it was stopped, whose proof comes with the change, or
// one that was called off in the middle, of which the ledger knows the writes.
func (w *writing) ownership(ctx context.Context, actual access.Read) (access.OwnershipState, error) {
	t, lease, given := w.in.Ownership, w.in.Change.Change.Lease, w.in.Change.Given
	if _, known := t.Lease(lease.ID); known {
		return t, nil
	}
	switch {
	case given != nil && given.Granted():
		return t.AdoptLease(lease, given.Before), nil
	case given == nil && w.in.Change.Change.Op == access.OpRelease:
		return w.calledOff(ctx, t, lease, actual)
	}
	return t, nil
}

// calledOff finds out whether an acquisition that was stopped in the middle reached
// the console.
func (w *writing) calledOff(
	ctx context.Context, t access.OwnershipState, lease access.Lease, actual access.Read,
) (access.OwnershipState, error) {
	entries, err := w.store.LedgerOf(ctx, w.in.Writer.Console, w.in.Change.Request)
	if err != nil {
		return t, err
	}
	for _, op := range []access.Op{access.OpAcquire, access.OpGrant} {
		writes, err := writesOf(entries, ChangeKey(lease.ID, op))
		if err != nil {
			return t, err
		}
		for _, s := range slices.Backward(writes) {
			if w.landed(s.Step, actual) {
				return t.AdoptLease(lease, s.Write.Before), nil
			}
			if w.mayArrive(s) {
				return t, errCalledOff
			}
		}
	}
	return t, nil
}

// refused says that the console has said no, so nothing of the write can arrive later.
func (s sent) refused() bool {
	return s.answered && s.Write.Status >= http.StatusBadRequest && s.Write.Status < http.StatusInternalServerError
}

// ChangeKey is the key of a lease's change.
func ChangeKey(lease string, op access.Op) string { return lease + "/" + string(op) }
