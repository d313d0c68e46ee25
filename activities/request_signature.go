package activities

import (
	"cmp"
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signed"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// CheckingSignatures sets whose signatures requests and decisions must carry; without it
// the names are recorded as claimed.
func (r *Request) CheckingSignatures(signers *signing.AllowedSigners) *Request {
	r.signers = signers
	return r
}

// checkRequest verifies the signature of a request, before anything in it is looked up, and
// returns why it is refused. It skips a dry run, which changes nothing. A later plan verifies
// the signature of the first one: see [Request.checkRequestAgain]. It fails only if the check
// itself is impossible: so a request that began signed waits where the worker has no allowed
// signers any more.
func (r *Request) checkRequest(
	ctx context.Context, in wire.PlanInput,
) (kept *access.RequestSignature, refusal string, err error) {
	if in.DryRun {
		return nil, "", nil
	}
	required, err := r.signatures().Required(ctx, runOf(in.Request))
	if err != nil || !required {
		return nil, "", err
	}
	if in.Signature == nil || in.Signature.Signature == "" {
		return nil, "a signature is required: send the request with `starter`, which signs with ssh-agent or --key", nil
	}
	s := *in.Signature
	s.Signed = access.Unsigned
	if in.Console == "" {
		return &s, "a signed request must name its console, or its signature would be valid for every console: " +
			"set the field console (`starter` takes it from SENTINELONE_BASE_URL)", nil
	}
	return r.checkRequestSignature(ctx, in.Request, s)
}

// unresolvedPlan is the plan of a request that is refused before names are looked up: it has
// the names as requested.
func (r *Request) unresolvedPlan(in wire.PlanInput, why string) access.Plan {
	p := in.Principal
	plan := access.Plan{
		Op: in.Op, Console: r.console.Console(), Terms: in.Terms, Account: in.Account,
		Principal: access.PrincipalRef{Kind: p.Kind, ID: p.ID, Name: p.Name, Email: p.Email},
		Role:      access.RoleRef{ID: in.Role.ID, Name: in.Role.Name},
		Scope:     access.ScopeRef{Level: in.Scope.Level, ID: in.Scope.ID, Name: in.Scope.Name},
		Before:    access.Holdings{}.Normal(), After: access.Holdings{}.Normal(), Refusal: why,
	}
	if in.Account != nil {
		plan.Principal = in.Account.Ref()
	}
	return plan.Seal()
}

// checkSignature verifies the signature of a decision. It also verifies a signed decision that
// does not count, so that nobody can replay it when it would. It fails only if the check itself
// is impossible. key is that of the decision's entry.
func (r *Request) checkSignature(ctx context.Context, in wire.DecideInput, key string, entry *ledger.Decision) error {
	d := in.Decision
	required, err := r.signatures().Required(ctx, runOf(in.Request))
	switch {
	case err != nil || !required || entry.Refusal != "" && d.Signature == "":
		return err
	case d.Signature == "":
		entry.Refusal = "a signature is required: decide with `starter approve` or `starter deny`, which sign"
		return nil
	}
	statement := signed.Message{
		Statement: signing.OfDecision(in.Request.ID, in.Request.Run, d.PlanHash, d), Signature: d.Signature,
		At: arrived(ctx, d.At), Use: key, OldUse: runOf(in.Request).NumberedDecisionKey(in.Number),
	}
	fingerprint, refusal, err := r.verifySignature(ctx, in.Request, statement)
	if err == nil && refusal == "" {
		refusal, err = r.replayed(ctx, in, key)
	}
	if err == nil && refusal == "" {
		refusal, err = r.sharesKey(ctx, in, fingerprint, entry)
	}
	if err != nil {
		return err
	}
	entry.Decision.Signed = cmp.Or(fingerprint, access.Unsigned)
	entry.Refusal = cmp.Or(entry.Refusal, refusal)
	return nil
}

// verifySignature returns the key that signed a statement, or why the signature does not count. A
// signature counts once.
func (r *Request) verifySignature(
	ctx context.Context, of wire.RequestInfo, w signed.Message,
) (fingerprint, refusal string, err error) {
	return r.signatures().Verify(ctx, of.ID, w)
}
