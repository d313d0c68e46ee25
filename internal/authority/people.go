package authority

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/signing"
)

// claimedWithin is how far a time that a workflow claims may be before the time at which
// the worker recorded it: a decision that came while the database was down is recorded
// late, and came in time.
const claimedWithin = signing.MaxAge

// signaturesRequired says that names alone count for nothing: the request began so, or the
// worker verifies signatures now.
func (j Judge) signaturesRequired(r Record) bool {
	return j.Signers != nil || r.First.SignaturesRequired
}

// errSignersGone makes a write wait: what began signed is not judged by names.
var errSignersGone = errors.New("the request began with signatures required, and this worker has no ALLOWED_SIGNERS: " +
	"set it again on every worker")

// requester verifies who made the request. It returns the key's fingerprint; "" where the
// name is a claim and may be one.
func (j Judge) requester(r Record) (key string, v Verdict, err error) {
	if !j.signaturesRequired(r) || Reverts(r.Drift, r.First.Plan) { // which the ledger asks for, and nobody signs
		return "", covered, nil
	}
	if j.Signers == nil {
		return "", Verdict{}, errSignersGone
	}
	sig := r.First.Signature
	if sig == nil || sig.Signature == "" {
		return "", forbid(NotSigned, "the request is not signed, and signatures are required: request again"), nil
	}
	for _, p := range []access.Plan{r.First.Plan, r.Plan.Plan} {
		if d := sig.Request.Differences(p); len(d) > 0 {
			return "", forbid(NotSigned, "the requester has signed another request: the plan differs in %v", d), nil
		}
	}
	verified, err := j.Signers.Verify(signing.OfRequest(r.Run.Request, *sig), sig.Signature, r.First.At)
	if file, ok := errors.AsType[*signing.FileError](err); ok {
		return "", Verdict{}, file
	}
	if err != nil {
		return "", forbid(NotSigned, "the signature on the request does not count: %v", err), nil
	}
	return verified.Fingerprint, covered, nil
}

// people are the decisions on record, each with its verified key and with times that the
// worker's clock bears out.
type people struct {
	decisions []access.Decision
	doubts    []string         // what is wrong with those that do not count
	maySign   approval.MaySign // nil where names are claims
}

// people verifies the decisions on the last plan.
func (j Judge) people(ctx context.Context, r Record) (out people, err error) {
	opened := approval.Of(r.Plan.Plan, r.Plan.At)
	out.decisions, out.doubts, out.maySign, err = j.decisionsOn(ctx, r, r.Plan.Plan.Hash, opened, r.Plan.At)
	return out, err
}

// decisionsOn verifies the decisions on a plan or an extension, by its hash. opened is its
// approval, and askedAt when people were asked at the earliest.
func (j Judge) decisionsOn(
	ctx context.Context, r Record, hash string, opened approval.State, askedAt time.Time,
) (out []access.Decision, doubts []string, maySign approval.MaySign, err error) {
	if j.signaturesRequired(r) {
		if j.Signers == nil {
			return nil, nil, nil, errSignersGone
		}
		keys, err := j.Signers.Keys()
		if err != nil {
			return nil, nil, nil, err
		}
		maySign = keys.MaySignFor
	}
	for _, d := range r.Decisions {
		if d.Decision.Decision.PlanHash != hash {
			continue
		}
		own, doubt, err := j.decision(ctx, r, d, askedAt)
		switch {
		case err != nil:
			return nil, nil, nil, err
		case doubt != "" && d.Refusal == "" && own.Action == approval.Deny && verifiedOnce(d.Decision.Decision):
			own.Signed = d.Decision.Decision.Signed
			out = append(out, own)
		case doubt != "":
			doubts = append(doubts, doubt)
		case d.Refusal == "", own.Action == approval.Deny && inTime(opened, out) && mayDeny(opened, own):
			out = append(out, own)
		}
	}
	return out, doubts, maySign, nil
}

// verifiedOnce says that the worker had verified the signature when the decision came. A denial that
// counted then stands, whatever became of its key: that gives less access.
func verifiedOnce(d access.Decision) bool { return d.Signed != "" && d.Signed != access.Unsigned }

// inTime says that the decisions on record so far do not complete the approval: a no still forbids
// it then, also of somebody who had approved.
func inTime(opened approval.State, soFar []access.Decision) bool {
	return approval.Replay(opened, soFar).State.Verdict != approval.Approved
}

// mayDeny says that somebody may deny at one of the steps. A denial that is on record as one
// that does not count is a no all the same: whoever can have our activities run may have had it
// recorded so, before the workflow did. Nor is the step believed, which nobody signs.
func mayDeny(opened approval.State, d access.Decision) bool {
	for step := range opened.Steps {
		if step > 0 {
			opened.Deadline = time.Time{} // that of a later step follows from decisions
		}
		opened.Step, d.Step = step, step
		if opened.Check(d, d.At) == nil {
			return true
		}
	}
	return false
}

// decision verifies one decision. doubt says why it does not count.
func (j Judge) decision(
	ctx context.Context, r Record, d Decided, askedAt time.Time,
) (out access.Decision, doubt string, err error) {
	out = d.Decision.Decision
	out.At = borneOut(out.At, d.At)
	if !out.CameAt.IsZero() {
		out.CameAt = borneOut(out.CameAt, d.At)
	}
	if out.AskedAt.Before(askedAt) || out.AskedAt.Sub(askedAt) > claimedWithin {
		out.AskedAt = time.Time{}
	}
	out.Signed = access.Unsigned
	if out.Delegation != nil {
		why, err := j.Delegated(ctx, *out.Delegation, out.At)
		if err != nil || why != "" {
			return out, fmt.Sprintf("%s cannot decide for %s: %s", out.By, out.OnBehalfOf, why), err
		}
	}
	if !j.signaturesRequired(r) {
		return out, "", nil
	}
	if out.Signature == "" {
		return out, fmt.Sprintf("the decision of %s is not signed", out.By), nil
	}
	statement := signing.OfDecision(r.Run.Request, r.Run.ID, out.PlanHash, out)
	verified, err := j.Signers.Verify(statement, out.Signature, d.At)
	if file, ok := errors.AsType[*signing.FileError](err); ok {
		return out, "", file
	}
	if err != nil {
		return out, fmt.Sprintf("the signature of %s does not count: %v", out.By, err), nil
	}
	out.Signed = verified.Fingerprint
	if out.Delegation == nil {
		return out, "", nil
	}
	delegated := *out.Delegation
	verified, err = j.Signers.VerifyDelegation(delegated)
	if file, ok := errors.AsType[*signing.FileError](err); ok {
		return out, "", file
	}
	if err != nil {
		return out, fmt.Sprintf("the delegation of %s does not count: %v", delegated.By, err), nil
	}
	delegated.Signed = verified.Fingerprint
	out.Delegation = &delegated
	return out, "", nil
}

// borneOut is the time that a workflow claims if the worker's clock bears it out: it is at
// most an hour before the time of recording, and not after it. Else it is that time.
func borneOut(claimed, recorded time.Time) time.Time {
	if claimed.After(recorded) || recorded.Sub(claimed) > claimedWithin {
		return recorded
	}
	return claimed
}
