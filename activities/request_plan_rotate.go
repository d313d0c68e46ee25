package activities

import (
	"cmp"
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/tokenseal"
	"sentinelone-provisioner/internal/wire"
)

// planRotation is the plan of a new API token for a service user. It has no effect: people approve it as a whole, with
// the roles that the token has and the key that it is encrypted to.
func (r *Request) planRotation(
	ctx context.Context, plan access.Plan, in wire.PlanInput, found resolved, known access.OwnershipState,
	signature *access.RequestSignature,
) (access.Plan, error) {
	plan.Effect, plan.Rotation, plan.Rules = nil, in.Rotation, access.Rules{}
	if in.Rotation != nil && in.Rotation.Own {
		return r.planOwnRotation(ctx, plan, in, found, known)
	}
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
	return plan.Seal(), nil
}

// planOwnRotation is the plan of a second service user that takes the place of the one whose token the worker uses.
func (r *Request) planOwnRotation(
	ctx context.Context, plan access.Plan, in wire.PlanInput, found resolved, known access.OwnershipState,
) (access.Plan, error) {
	why, err := r.ownRotationRefusal(ctx, plan, found, known)
	if err != nil {
		return access.Plan{}, err
	}
	plan.Refusal = cmp.Or(why, plan.Refusal)
	if plan.Refusal == "" {
		name := access.SuccessorName(plan.Principal.Name, access.ChangeKey(runOf(in.Request).String(), plan.Op))
		plan.Notes = append(plan.Notes, fmt.Sprintf("a service user %q with the same roles takes its place: its token "+
			"expires at %s and goes to the worker's token file; the old service user is deleted once the worker has "+
			"read the console with the new token", access.Typable(name),
			plan.Rotation.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC")))
	}
	return plan.Seal(), nil
}

// ownRotationRefusal says why the service user cannot be replaced as the owner of the worker's token; "" if it can.
func (r *Request) ownRotationRefusal(
	ctx context.Context, plan access.Plan, found resolved, known access.OwnershipState,
) (string, error) {
	switch {
	case r.console.ReadOnly():
		return readOnlyText, nil
	case plan.Principal.Kind != access.ServiceUser:
		return "only a service user can be replaced: a user makes a new token in the console, and writes it to the " +
			"worker's token file", nil
	case successorRefusal(found.principal) != "":
		return successorRefusal(found.principal), nil
	}
	for _, l := range known.Leases {
		if !l.Lost && !l.Over {
			return fmt.Sprintf("service user %s has a role until a time, by %s, and the new one would have it "+
				"permanently: end that first with `starter end`",
				plan.Principal.ID, ledger.RunOfLease(l.ID).Request), nil
		}
	}
	if why := r.ownToken.Check(); why != nil {
		return why.Error(), nil //nolint:nilerr // it is the refusal
	}
	is, err := tokenOwnership(ctx, r.console, found.principal)
	if err == nil && is.against != "" {
		return notOwnText(plan.Principal.ID, is.against), nil
	}
	return "", err
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
	case found.self:
		return fmt.Sprintf("service user %s owns the API token that this worker uses: replace it with --own",
			found.principal.ID)
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
