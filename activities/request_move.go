package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// EntryPolicyMoved is the kind of a ledger entry that says that a request was moved to
// another policy.
const EntryPolicyMoved = "policyMoved"

// MoveInput asks to plan a request by the worker's present policy, in place of the one
// it was planned by.
type MoveInput struct {
	Plan    PlanInput `json:"plan"` // of a round of its own
	From    string    `json:"from"` // hash of the policy it follows; "" for none
	By      string    `json:"by"`   // as claimed
	Comment string    `json:"comment,omitempty"`
	At      time.Time `json:"at"`
}

// MoveResult is the new plan, or why the request stays with the policy it has.
type MoveResult struct {
	PlanResult

	Stays string `json:"stays,omitempty"`
}

// policyMoved is what the ledger keeps of a move.
type policyMoved struct {
	At      time.Time `json:"at"`
	From    string    `json:"from"` // hashes of the policies
	To      string    `json:"to"`
	Name    string    `json:"name"` // of the new one's file
	By      string    `json:"by"`
	Comment string    `json:"comment,omitempty"`
}

// Move plans a request anew, by the worker's present policy. What was decided about the
// old plan is no consent to this one. Doing it again, in the same round, gives the first
// plan. Of one that the policy refuses the receipt is the caller's to write: a move may be
// given up when it is all but done, and the request then goes on.
//
// Fails as [Request.Plan] does; nothing is changed then.
func (r *Request) Move(ctx context.Context, in MoveInput) (MoveResult, error) {
	defer keepAlive(ctx, nothing)()
	if in.Plan.Console != "" && in.Plan.Console != r.console.Console() {
		return MoveResult{}, otherConsole("request", in.Plan.Console, r.console.Console())
	}
	to, err := r.movedTo(ctx, in.Plan)
	if err != nil {
		return MoveResult{}, err
	}
	switch {
	case to != "":
	case r.policy.Hash() == in.From:
		return MoveResult{Stays: fmt.Sprintf("it follows the worker's present policy already: %s, sha256 %s",
			r.policy.Name(), in.From)}, nil
	}
	asked := in.Plan
	asked.Policy = to
	asked.moved = &policyMoved{From: in.From, By: in.By, Comment: in.Comment, At: in.At}
	out, err := r.Plan(ctx, asked)
	return MoveResult{PlanResult: out}, err
}

func (in PlanInput) moveKey() string {
	return in.Request.key(fmt.Sprintf("%s/%d", EntryPolicyMoved, in.Round))
}

// movedTo is the policy that an earlier attempt has moved the request to, which counts
// whatever this worker's policy is; "" if none has.
func (r *Request) movedTo(ctx context.Context, in PlanInput) (string, error) {
	e, err := r.store.LedgerEntryByKey(ctx, r.console.Console(), in.moveKey())
	if errors.Is(err, store.ErrNoEntry) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	kept, err := decodeEntry[policyMoved](e)
	if err != nil {
		return "", err
	}
	return kept.To, nil
}

// noteMove writes into the ledger that the plan is made by another policy, if it is.
func (r *Request) noteMove(ctx context.Context, in PlanInput, plan access.Plan) error {
	if in.moved == nil {
		return nil
	}
	body := *in.moved
	body.To, body.Name = plan.Approval.Hash, r.policy.Name()
	_, err := r.store.Append(ctx, r.console.Console(), store.NewLedgerEntry{
		Request: in.Request.ID, Kind: EntryPolicyMoved, Key: in.moveKey(), At: body.At, Body: body,
	})
	if err != nil {
		return fmt.Errorf("write into the ledger that %s is moved to another policy: %w", in.Request.ID, err)
	}
	return nil
}
