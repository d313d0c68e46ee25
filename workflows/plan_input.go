package workflows

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// planInput is what a request is planned from: the input and, if there is one, the
// requester's signature over it.
func planInput(spec access.RequestSpec, by wire.Signed, dryRun bool) wire.PlanInput {
	out := wire.PlanInput{
		Console: spec.Console, DryRun: dryRun, Op: spec.Op, Principal: spec.Principal, Role: spec.Role,
		Scope: spec.Scope, Scopes: spec.Scopes, Terms: spec.Terms, Account: spec.Account,
	}
	if by.Signature != "" {
		out.Signature = &access.RequestSignature{
			Request: spec, SignedAt: by.SignedAt.UTC(), Signed: access.Unsigned, Signature: by.Signature,
		}
	}
	return out
}

// startedAt is the time at which the signature has to be fresh: when the request was
// started, even if no worker took it for long.
func startedAt(in wire.PlanInput, start time.Time) wire.PlanInput {
	if in.Signature != nil {
		in.Signature.At = start.UTC()
	}
	return in
}
