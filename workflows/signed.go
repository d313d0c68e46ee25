package workflows

import (
	"time"

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
func (in GrantInput) Spec() access.RequestSpec {
	out := access.RequestSpec{
		Op: access.OpGrant, Console: in.Console, Principal: in.Principal, Role: in.Role, Scope: in.Scope,
		Terms: access.Terms{
			Requester: in.Requester, Reason: in.Reason, AllowLevelChange: in.AllowLevelChange,
			BreakGlass: in.BreakGlass,
		},
	}
	if in.Duration != nil {
		out.Op, out.Terms.Duration = access.OpAcquire, *in.Duration
	}
	if in.StartAt != nil {
		out.Terms.StartAt = in.StartAt.UTC()
	}
	return out
}

// Spec is what the requester signs.
func (in RevokeInput) Spec() access.RequestSpec {
	return access.RequestSpec{
		Op: access.OpRevoke, Console: in.Console, Principal: in.Principal, Role: in.Role, Scope: in.Scope,
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
}

// Spec is what the requester signs.
func (in ProvisionUserInput) Spec() access.RequestSpec {
	return access.RequestSpec{
		Op: access.OpCreate, Console: in.Console, Role: in.Role, Scope: in.Scope, Account: new(in.Account()),
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
}

// Spec is what the requester signs. A token's life is signed as such: its end is known
// only once the request has started.
func (in ProvisionServiceUserInput) Spec() access.RequestSpec {
	out := access.RequestSpec{
		Op: access.OpCreate, Console: in.Console, Role: in.Role, Scope: in.Scope,
		Account: new(in.Account(time.Time{})), Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
	if in.TokenLife != nil {
		out.Account.TokenExpiresAt, out.TokenLife = time.Time{}, *in.TokenLife
	}
	return out
}

// Spec is what the requester signs.
func (in OffboardInput) Spec() access.RequestSpec {
	out := access.RequestSpec{
		Op: access.OpDelete, Console: in.Console, Principal: in.Principal,
		Terms: access.Terms{Requester: in.Requester, Reason: in.Reason},
	}
	if in.Baseline != nil {
		out.Op, out.Role, out.Scope = access.OpReset, in.Baseline.Role, in.Baseline.Scope
	}
	return out
}
