package activities

import (
	"cmp"
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signed"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// planBasis is what a plan follows, and what is recorded beside it.
type planBasis struct {
	policy    *policy.Policy
	signature *access.RequestSignature // the requester's as it was sent; nil without one
	facts     *ledger.Facts            // what the policy has read besides the plan
	refusal   string                   // why no plan is made; "" if one is
	drift     *ledger.Drift            // the drift rule that has the system request it; nil for a person
}

// basisOf is what a plan follows. A later plan of a request follows the first one, as it
// stands in the ledger: whoever calls the activity chooses the input, and with it a hash of
// any policy that was ever in use. It fails only if the check itself is impossible.
func (r *Request) basisOf(ctx context.Context, in wire.PlanInput) (basis planBasis, err error) {
	basis.policy = r.policy
	if basis.drift, err = r.driftOf(ctx, in); err != nil {
		return basis, err
	}
	if basis.drift != nil { // which names its policy, and needs no signature
		basis.policy, basis.refusal, err = r.recordedPolicy(ctx, basis.drift.Policy)
		return basis, err
	}
	if in.Round == 0 || in.DryRun {
		basis.signature, basis.refusal, err = r.checkRequest(ctx, in)
		return basis, err
	}
	first, err := r.signatures().First(ctx, runOf(in.Request))
	switch {
	case err != nil:
		return basis, fmt.Errorf("cannot read the first plan of %s: %w", in.Request.ID, err)
	case first.Plan.Hash == "":
		basis.refusal = "the ledger has no first plan of this request, which a later one follows: request again"
		return basis, nil
	}
	basis.signature, basis.refusal, err = r.checkRequestAgain(ctx, in.Request, first)
	if err != nil || basis.refusal != "" {
		return basis, err
	}
	basis.policy, basis.refusal, err = r.recordedPolicy(ctx, first.Plan.Approval.Hash)
	return basis, err
}

// checkRequestAgain verifies the requester's signature that the first plan was made with, by
// the keys of now.
func (r *Request) checkRequestAgain(
	ctx context.Context, of wire.RequestInfo, first ledger.Request,
) (kept *access.RequestSignature, refusal string, err error) {
	required, err := r.signatures().Required(ctx, runOf(of))
	switch {
	case err != nil || !required:
		return nil, "", err
	case first.Signature == nil || first.Signature.Signature == "":
		return nil, "the request is not signed, and signatures are required: request again with `starter`, " +
			"which signs with ssh-agent or --key", nil
	}
	return r.checkRequestSignature(ctx, of, *first.Signature)
}

// checkRequestSignature verifies the requester's signature, which counts for one run.
func (r *Request) checkRequestSignature(
	ctx context.Context, of wire.RequestInfo, s access.RequestSignature,
) (kept *access.RequestSignature, refusal string, err error) {
	s.Signed = access.Unsigned
	at, err := r.runs.requested(ctx, s.At)
	if err != nil {
		return nil, "", err
	}
	fingerprint, refusal, err := r.verifySignature(ctx, of, signed.Message{
		Statement: signing.OfRequest(of.ID, s), Signature: s.Signature, At: at, Use: runOf(of).RequestKey(0),
	})
	s.Signed = cmp.Or(fingerprint, access.Unsigned)
	return &s, refusal, err
}

// signedAnother says that the plan is not about what the requester has signed; "" if it is,
// or nothing was signed.
func (b planBasis) signedAnother(plan access.Plan) string {
	if b.signature == nil || b.signature.Signed == access.Unsigned {
		return ""
	}
	if differs := b.signature.Request.Differences(plan); len(differs) > 0 {
		return fmt.Sprintf("the requester has signed another request, which differs in %v: sign and request again",
			differs)
	}
	return ""
}

// policyFacts are what the policy reads besides the plan.
func (found *resolved) policyFacts(p *policy.Policy) *ledger.Facts {
	out := &ledger.Facts{RolePredefined: found.predefined, RoleNames: p.NamedRoles(found.roleNames())}
	if found.scope.Level == access.SiteLevel {
		out.Accounts = found.accounts
	}
	return out
}

// roleNames are the names of the console's roles, by id.
func (found *resolved) roleNames() map[string]string {
	out := map[string]string{}
	for _, role := range found.roles {
		out[role.ID] = role.Name
	}
	return out
}
