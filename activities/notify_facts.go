package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// noGroundError says that the ledger does not show what an event claims.
type noGroundError struct{ why string }

func (e *noGroundError) Error() string { return e.why }

func noGround(format string, args ...any) error { return &noGroundError{fmt.Sprintf(format, args...)} }

// recorded is the body of an entry and its place in the ledger.
type recorded[T ledger.Body] struct {
	seq  int64
	at   time.Time
	body T
}

// recordedFacts is what the ledger has about one run of a request.
type recordedFacts struct {
	run        ledger.Run
	requests   []recorded[ledger.Request]
	decisions  []recorded[ledger.Decision] // that count
	proofs     []recorded[ledger.Proof]
	extensions []recorded[ledger.Extension]
	receipts   []recorded[ledger.Receipt] // one at most
	// unauthorized is what was not written for lack of authority.
	unauthorized []recorded[ledger.Unauthorized]
}

// loadFacts reads what the ledger has about a run. There may be nothing.
func loadFacts(ctx context.Context, s *store.Store, console string, run ledger.Run) (recordedFacts, error) {
	f := recordedFacts{run: run}
	entries, err := s.LedgerOf(ctx, console, run.Request)
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		if run.ID == "" || ledger.RunOf(e) != run {
			continue
		}
		switch e.Kind {
		case ledger.KindRequest:
			err = keepFact(e, &f.requests)
		case ledger.KindDecision:
			err = keepFact(e, &f.decisions)
		case ledger.KindProof:
			err = keepFact(e, &f.proofs)
		case ledger.KindExtension:
			err = keepFact(e, &f.extensions)
		case ledger.KindReceipt:
			err = keepFact(e, &f.receipts)
		case ledger.KindUnauthorized:
			err = keepFact(e, &f.unauthorized)
		default: // nobody is notified of these
		}
		if err != nil {
			return f, err
		}
	}
	f.decisions = slices.DeleteFunc(f.decisions, func(d recorded[ledger.Decision]) bool { return d.body.Refusal != "" })
	return f, nil
}

func keepFact[T ledger.Body](e ledger.Entry, to *[]recorded[T]) error {
	body, err := ledger.DecodeAs[T](e)
	*to = append(*to, recorded[T]{seq: e.Seq, at: e.At, body: body})
	return err
}

// find is the entry of that number, or with 0 the last; ok is false if it is not among them.
func find[T ledger.Body](in []recorded[T], seq int64) (out recorded[T], ok bool) {
	for _, r := range slices.Backward(in) {
		if seq == 0 || r.seq == seq {
			return r, true
		}
	}
	return out, false
}

// planAt is the plan that counted when the entry of that number was written.
func (f recordedFacts) planAt(seq int64) (recorded[ledger.Request], bool) {
	return find(slices.DeleteFunc(slices.Clone(f.requests), func(r recorded[ledger.Request]) bool {
		return r.seq > seq
	}), 0)
}

// signedBy is the fingerprint of the requester's key, or [access.Unsigned]. The first plan
// has the signature.
func (f recordedFacts) signedBy() string {
	if len(f.requests) > 0 {
		if s := f.requests[0].body.Verified(); s != nil {
			return s.Signed
		}
	}
	return access.Unsigned
}

// opened is when people were asked about a plan, by the ledger: once it was planned, or once
// it was in force where it is reviewed afterwards.
func (f recordedFacts) opened(plan recorded[ledger.Request]) (time.Time, error) {
	a := plan.body.Plan.Approval
	switch {
	case plan.body.Plan.Refusal != "" || a.Refusal != "":
		return time.Time{}, noGround("its plan is refused")
	case a.Review == nil && len(a.Steps) == 0:
		return time.Time{}, noGround("its plan requires no approval")
	case a.Review == nil:
		return plan.at, nil
	}
	for _, p := range f.proofs {
		if p.seq > plan.seq && p.body.Proof.Granted() {
			return p.at, nil
		}
	}
	return time.Time{}, noGround("it is not in force, so nobody reviews it yet")
}

// approvalAt replays the decisions on a plan that keep takes.
func (f recordedFacts) approvalAt(
	plan recorded[ledger.Request], keep func(recorded[ledger.Decision]) bool,
) (approval.State, error) {
	opened, err := f.opened(plan)
	if err != nil {
		return approval.State{}, err
	}
	var decisions []access.Decision
	for _, d := range f.decisions {
		if !keep(d) {
			continue
		}
		decision := d.body.Decision
		about := decision.PlanHash == "" || decision.PlanHash == plan.body.Plan.Hash
		if asked := decision.AskedAt; about && !asked.IsZero() && asked.Before(opened) { // by another clock
			opened = asked
		}
		decisions = append(decisions, decision)
	}
	state := approval.Of(plan.body.Plan, opened)
	state.Request.Key = f.signedBy()
	return approval.Replay(state, decisions).State, nil
}

// isNoGround says that the ledger does not show an event, and why.
func isNoGround(err error) (why string, ok bool) {
	none, ok := errors.AsType[*noGroundError](err)
	if !ok {
		return "", false
	}
	return none.why, true
}
