package activities

import (
	"cmp"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/tokenseal"
	"sentinelone-provisioner/internal/wire"
)

// planRotation is the plan of a new API token for a service user. It has no effect: people approve it as a whole, with
// the roles that the token has and the key that it is encrypted to.
func (r *Request) planRotation(
	plan access.Plan, in wire.PlanInput, found resolved, signature *access.RequestSignature,
) access.Plan {
	plan.Effect, plan.Rotation, plan.Rules = nil, in.Rotation, access.Rules{}
	plan.Refusal = cmp.Or(r.rotationRefusal(plan, found, signature), plan.Refusal)
	if plan.Refusal == "" {
		where := "the worker stores it in its " + r.tokens.Kind()
		if plan.Rotation.Recipient != "" {
			where = "only the holder of the key " + plan.Rotation.Recipient + " can read it"
		}
		plan.Notes = append(plan.Notes, fmt.Sprintf("the new token has all roles of the service user and expires at "+
			"%s; %s; the token that is in use now is void at once",
			plan.Rotation.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"), where))
	}
	return plan.Seal()
}

// rotationRefusal says why the token cannot be made; "" if it can.
func (r *Request) rotationRefusal(plan access.Plan, found resolved, signature *access.RequestSignature) string {
	signed := r.signers != nil && signature != nil && signature.Signed != access.Unsigned
	switch {
	case r.console.ReadOnly():
		return readOnlyText
	case plan.Principal.Kind != access.ServiceUser:
		return "only service users have a token that can be rotated: users make their own in the console"
	case plan.Rotation == nil:
		return "the request does not say until when the new token is valid: request the rotation again"
	case found.unusable != "":
		return found.unusable
	case access.Undeletable(found.principal, found.self) != "":
		return access.Undeletable(found.principal, found.self)
	case plan.Rotation.Recipient == "":
		if err := r.tokens.Check(plan.Console); err != nil {
			return err.Error()
		}
	case tokenseal.Check(plan.Rotation.Recipient) != nil:
		return "the recipient is no public key of age: give one that begins with \"age1\""
	case !signed:
		return "the token would be encrypted to a key that the request names, and nobody has signed for that: set " +
			"ALLOWED_SIGNERS on the worker and sign the request, or have the worker store the token"
	}
	return ""
}
