package workflows

import (
	"time"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
)

// Signed is the part of a request's input that shows who asks: an SSH signature over what
// the input's Spec says and the workflow id. The worker wants it where ALLOWED_SIGNERS
// is set, but for dry runs.
type Signed struct {
	Signature string `json:"signature,omitempty"`
	// SignedAt is when it was signed; part of what is signed.
	SignedAt time.Time `json:"signedAt,omitzero"`
}

// Sign puts a signature to the input.
func (s *Signed) Sign(signature string, at time.Time) { s.Signature, s.SignedAt = signature, at }

// Spec is what the requester signs.
func (in GrantInput) Spec() access.RequestSpec { return requestSpec(in.planInput()) }

// Spec is what the requester signs.
func (in RevokeInput) Spec() access.RequestSpec { return requestSpec(in.planInput()) }

// Spec is what the requester signs.
func (in ProvisionUserInput) Spec() access.RequestSpec { return requestSpec(in.planInput()) }

// Spec is what the requester signs. A token's life is signed as such: when it ends is
// known only when the request has started.
func (in ProvisionServiceUserInput) Spec() access.RequestSpec {
	out := requestSpec(in.planInput(time.Time{}))
	if in.TokenLife != nil {
		out.Account.TokenExpiresAt, out.TokenLife = time.Time{}, *in.TokenLife
	}
	return out
}

// Spec is what the requester signs.
func (in OffboardInput) Spec() access.RequestSpec { return requestSpec(in.planInput()) }

// asked is the request in the words of whoever asks. Requester and worker both make it of
// the input, so that they sign and check the same.
func requestSpec(in activities.PlanInput) access.RequestSpec {
	return access.RequestSpec{
		Op: in.Op, Console: in.Console, Principal: in.Principal, Role: in.Role, Scope: in.Scope, Terms: in.Terms,
		Account: in.Account,
	}
}

func (in GrantInput) signed() activities.PlanInput { return in.with(in.planInput(), in.Spec()) }

func (in RevokeInput) signed() activities.PlanInput { return in.with(in.planInput(), in.Spec()) }

func (in ProvisionUserInput) signed() activities.PlanInput {
	return in.with(in.planInput(), in.Spec())
}

func (in ProvisionServiceUserInput) signed(now time.Time) activities.PlanInput {
	return in.with(in.planInput(now), in.Spec())
}

func (in OffboardInput) signed() activities.PlanInput { return in.with(in.planInput(), in.Spec()) }

// with adds the signature, if there is one, to what the plan is asked for.
func (s Signed) with(plan activities.PlanInput, asked access.RequestSpec) activities.PlanInput {
	if s.Signature != "" {
		plan.Signature = &access.RequestSignature{
			Request: asked, SignedAt: s.SignedAt.UTC(), Signed: access.Unsigned, Signature: s.Signature,
		}
	}
	return plan
}

// startedAt is the time that the signature has to be fresh at: when the request was
// started, however long no worker was there to take it.
func startedAt(in activities.PlanInput, start time.Time) activities.PlanInput {
	if in.Signature != nil {
		in.Signature.At = start.UTC()
	}
	return in
}
