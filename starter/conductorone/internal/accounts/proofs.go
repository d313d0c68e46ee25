package accounts

import (
	"context"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
)

var _ Ledger = evidence.Reader{}

// proofOf is the proof of one change of a run.
func proofOf(r authority.Record, op access.Op) (access.Proof, bool) {
	return r.ProofOf(access.ChangeKey(r.Run.String(), op))
}

// proven is the record of a run, which proves what a request is for; claim is what Temporal says of it, such as
// "provisioned".
func (c *Config) proven(
	ctx context.Context, of requestclient.NewRequest, run ledger.Run, claim string, proves func(authority.Record) bool,
) (authority.Record, error) {
	is := func(r authority.Record) bool { return r.Requested() && !isOtherPlan(of, r.Plan.Plan) && proves(r) }
	record, err := c.Ledger.Await(ctx, run, is)
	if err == nil && !is(record) {
		err = evidence.Unproven(of.ID, claim)
	}
	return record, err
}

// created is the account that a run has created, if it has.
func created(r authority.Record) (access.PrincipalRef, bool) {
	proof, found := proofOf(r, access.OpCreate)
	if !found || proof.Outcome != access.Created || proof.Made == nil {
		return access.PrincipalRef{}, false
	}
	return *proof.Made, true
}

// isCreated reports whether a run has created its account, or found it with its role.
func isCreated(r authority.Record) bool {
	proof, found := proofOf(r, access.OpCreate)
	_, made := created(r)
	return made || found && proof.Outcome == access.AlreadyHeld && r.Plan.Plan.Principal.ID != ""
}

// isDeleted reports whether a run has deleted its principal, or not found it.
func isDeleted(r authority.Record) bool {
	proof, found := proofOf(r, access.OpDelete)
	return found && proof.Outcome.ClaimsAbsence()
}

// isInForce reports whether a run has given its role and not released it.
func isInForce(r authority.Record) bool {
	_, given := r.Given()
	_, released := proofOf(r, access.OpRelease)
	return given && !released
}

// rotation is the proof of the last rotation with that workflow id that was of the service user's token, and for the
// recipient; nil for none. What counts is the plan in the ledger: it names the service user that was approved, and the
// recipient that was signed for.
func (c *Config) rotation(ctx context.Context, id, serviceUserID, recipient string) (*access.Proof, error) {
	runs, err := c.Ledger.Runs(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(runs) {
		proof, found := proofOf(r, access.OpRotate)
		if found && proof.Outcome == access.Rotated && rotates(r.Plan.Plan, serviceUserID, recipient) {
			return &proof, nil
		}
	}
	return nil, nil
}

// rotates reports whether a plan is to make a new token of the service user, for the recipient.
func rotates(p access.Plan, serviceUserID, recipient string) bool {
	return p.Rotation != nil && p.Rotation.Recipient == recipient &&
		p.Principal.Kind == access.ServiceUser && p.Principal.ID == serviceUserID
}
