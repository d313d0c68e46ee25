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
	asked      []recorded[ledger.ExtensionRequest]
	// unauthorized is what was not written for lack of authority.
	unauthorized []recorded[ledger.Unauthorized]
	overdue      []recorded[ledger.Overdue]
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
		case ledger.KindExtensionRequest:
			err = keepFact(e, &f.asked)
		case ledger.KindReceipt:
			err = keepFact(e, &f.receipts)
		case ledger.KindUnauthorized:
			err = keepFact(e, &f.unauthorized)
		case ledger.KindOverdue:
			err = keepFact(e, &f.overdue)
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

// question is an approval that people were asked for: of a plan, its review, or an extension.
type question struct {
	seq       int64     // entry of the plan or the extension
	openedAt  time.Time // by the ledger
	hash      string    // that decisions on it name
	isPlan    bool
	extension *access.ExtensionRequest // nil for a plan
	open      func(at time.Time) approval.State
}

// ofPlan is the approval of a plan: from when it was planned, or once it was in force where it
// is reviewed afterwards.
func (f recordedFacts) ofPlan(r recorded[ledger.Request]) (question, error) {
	plan := r.body.Plan
	q := question{seq: r.seq, openedAt: r.at, hash: plan.Hash, isPlan: true, open: func(at time.Time) approval.State {
		return approval.Of(plan, at)
	}}
	switch {
	case plan.Refusal != "" || plan.Approval.Refusal != "":
		return q, noGround("its plan is refused")
	case plan.Approval.Review == nil && len(plan.Approval.Steps) == 0:
		return q, noGround("its plan requires no approval")
	case plan.Approval.Review == nil:
		return q, nil
	}
	for _, p := range f.proofs {
		if p.seq > r.seq && p.body.Proof.Granted() {
			q.openedAt = p.at
			return q, nil
		}
	}
	return q, noGround("it is not in force, so nobody reviews it yet")
}

// ofExtension is the approval of an extension.
func (f recordedFacts) ofExtension(x recorded[ledger.ExtensionRequest]) (question, error) {
	plan, ok := f.planAt(x.seq)
	switch {
	case !ok:
		return question{}, noGround("the extension is of no plan")
	case x.body.Refusal != "" || len(x.body.Extension.Approval.Steps) == 0:
		return question{}, noGround("the extension needs no approval, or cannot have one")
	}
	return question{
		seq: x.seq, openedAt: x.at, hash: x.body.Extension.Hash, extension: &x.body.Extension,
		open: func(at time.Time) approval.State { return approval.ForExtension(plan.body.Plan, x.body.Extension, at) },
	}, nil
}

// question is the approval that an entry asks for; with 0 that of the latest plan.
func (f recordedFacts) question(entry int64) (question, error) {
	if x, ok := find(f.asked, entry); ok && entry != 0 {
		return f.ofExtension(x)
	}
	plan, ok := find(f.requests, entry)
	if !ok {
		return question{}, noGround("the entry is no plan of the request, and no extension")
	}
	return f.ofPlan(plan)
}

// questionOf is the approval that a decision is about.
func (f recordedFacts) questionOf(d recorded[ledger.Decision]) (question, error) {
	for _, x := range f.asked {
		if x.seq < d.seq && x.body.Extension.Hash == d.body.Decision.PlanHash {
			return f.ofExtension(x)
		}
	}
	plan, ok := f.planAt(d.seq)
	if !ok {
		return question{}, noGround("the decision is about no plan")
	}
	return f.ofPlan(plan)
}

// answered replays the decisions on a question that keep takes.
func (f recordedFacts) answered(q question, keep func(recorded[ledger.Decision]) bool) approval.State {
	var decisions []access.Decision
	opened := q.openedAt
	for _, d := range f.decisions {
		if !keep(d) {
			continue
		}
		decision := d.body.Decision
		about := decision.PlanHash == q.hash || decision.PlanHash == "" && q.isPlan
		if asked := decision.AskedAt; about && !asked.IsZero() && asked.Before(opened) { // by another clock
			opened = asked
		}
		decisions = append(decisions, decision)
	}
	state := q.open(opened)
	state.Request.Key = f.signedBy()
	return approval.Replay(state, decisions).State
}

// isNoGround says that the ledger does not show an event, and why.
func isNoGround(err error) (why string, ok bool) {
	none, ok := errors.AsType[*noGroundError](err)
	if !ok {
		return "", false
	}
	return none.why, true
}
