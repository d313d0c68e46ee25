package activities

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signed"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// Extend verifies who asks for a later end of a grant, finds out from the policy of the grant's
// plan who must approve it, and writes both into the ledger, before anybody is asked. Doing it
// again gives the first answer.
func (r *Request) Extend(ctx context.Context, in wire.ExtendActivityInput) (wire.ExtendResult, error) {
	defer attempt.KeepAlive(ctx)()
	run, err := r.runs.requestRun(ctx, in.Request)
	if err != nil {
		return wire.ExtendResult{}, err
	}
	body, now := ledger.ExtensionRequest{Extension: in.Extension}, r.now().UTC()
	x := &body.Extension
	x.Request, x.Run, x.Signed = run.Request, run.ID, access.Unsigned
	planned, err := r.plannedAs(ctx, run, x.PlanHash)
	if err != nil {
		return wire.ExtendResult{}, err
	}
	if body.Refusal, err = r.checkAsker(ctx, run, x); err != nil {
		return wire.ExtendResult{}, err
	}
	if body.Refusal == "" {
		if body.Refusal, err = r.frozenExtension(ctx); err != nil {
			return wire.ExtendResult{}, err
		}
	}
	if body.Refusal == "" {
		if body.Refusal, err = r.approvalOfExtension(ctx, in.Request, planned, x, now); err != nil {
			return wire.ExtendResult{}, err
		}
	}
	body.Extension = x.Seal()
	entries, err := r.store.Append(ctx, r.console.Console(), ledger.NewEntry{
		Request: run.Request, Key: run.ExtensionRequestKey(*x), At: now, Body: body,
	})
	if err != nil {
		return wire.ExtendResult{}, fmt.Errorf("cannot record the extension of %s: %w", run.Request, err)
	}
	kept, err := ledger.DecodeAs[ledger.ExtensionRequest](entries[0])
	return wire.ExtendResult{Extension: kept.Extension, Refusal: kept.Refusal, Entry: entries[0].Seq}, err
}

// plannedAs is the request of a run with the plan that has that hash, from the ledger.
func (r *Request) plannedAs(ctx context.Context, run ledger.Run, hash string) (ledger.Request, error) {
	entries, err := r.store.LedgerOf(ctx, r.console.Console(), run.Request)
	if err != nil {
		return ledger.Request{}, err
	}
	for _, e := range entries {
		if e.Kind != ledger.KindRequest || !run.Owns(e.Key) {
			continue
		}
		body, err := ledger.DecodeAs[ledger.Request](e)
		if err != nil {
			return ledger.Request{}, err
		}
		if body.Plan.Hash == hash {
			return body, nil
		}
	}
	return ledger.Request{}, kinds.New(kinds.Refused, fmt.Errorf("cannot extend: the ledger has no plan %.12s of %s: "+
		"request a new grant", hash, run.Request))
}

// checkAsker verifies the signature of who asks for an extension, and says why it does not count.
func (r *Request) checkAsker(ctx context.Context, run ledger.Run, x *access.ExtensionRequest) (string, error) {
	required, err := r.signatures().Required(ctx, run)
	switch {
	case err != nil || !required:
		return "", err
	case x.Signature == "":
		return "a signature is required: extend with `starter extend`, which signs", nil
	}
	fingerprint, refusal, err := r.signatures().Verify(ctx, run.Request, signed.Message{
		Statement: signing.OfExtension(*x), Signature: x.Signature, At: arrived(ctx, x.At),
		Use: run.ExtensionRequestKey(*x),
	})
	x.Signed = cmp.Or(fingerprint, access.Unsigned)
	return refusal, err
}

// approvalOfExtension fills in who must approve an extension: by the policy of the plan, whose text is not
// replaced by another one. now is the worker's clock: the time in the extension is a claim.
func (r *Request) approvalOfExtension(
	ctx context.Context, of wire.RequestInfo, planned ledger.Request, x *access.ExtensionRequest, now time.Time,
) (refusal string, err error) {
	plan := planned.Plan
	follows, refusal, err := r.recordedPolicy(ctx, plan.Approval.Hash)
	if err != nil || refusal != "" {
		return refusal, err
	}
	q, complete := policy.InputFromLedger(planned, now)
	if !complete {
		return "cannot extend: the ledger lacks what the policy reads of this grant: request a new grant", nil
	}
	from := of.StartedAt
	if plan.Terms.StartAt.After(from) {
		from = plan.Terms.StartAt
	}
	total := access.Duration(x.EndsAt.Sub(from).Round(time.Second))
	answer, err := follows.DecideExtension(q, plan, x.By, total, now)
	switch {
	case err != nil:
		return "", kinds.New(kinds.Invalid, err)
	case answer.Refusal != "":
		return "cannot extend: " + answer.Refusal, nil
	}
	x.Approval = answer.Approval
	return approval.ForExtension(plan, *x, x.At).Impossible(), nil
}
