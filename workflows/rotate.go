package workflows

// RotateToken replaces the API token of a service user by a new one. People start it with the
// temporal CLI, and ConductorOne through the connector. It is planned and refused at once, or
// waits for the approval that the policy requires. The token goes from the activity to the
// worker's sink, or is encrypted to the key that the request names: it never comes by here in
// clear. Once it is being applied it is carried through: it has no deadline and cannot be
// cancelled, since a call whose answer was lost may have voided the old token. Its id is
// rotate/<request> by custom. Versioning: auto-upgrade.

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// RotateToken is the workflow of type [wire.RotateTokenType].
func RotateToken(ctx workflow.Context, in wire.RotateTokenInput) (wire.RequestResult, error) {
	if err := checkInput(ctx, in, in.Validate(workflow.Now(ctx))); err != nil {
		return wire.RequestResult{}, err
	}
	asked := planInput(in.Spec(), in.Signed, in.DryRun)
	asked.Rotation = new(in.Rotation(workflow.Now(ctx))) // with the end of the token
	return newMachine(ctx, rotateKind, asked).carryOut(ctx)
}

// rotateToken has the token made.
func (m *machine) rotateToken(ctx workflow.Context) (event, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	out, err := call[wire.CreateResult](consoleWrite(open, "rotate for "+m.info.ID, false), wire.TokenRotateActivity,
		wire.CreateInput{
			Request: m.info, Key: access.ChangeKey(m.lease().ID, access.OpRotate), Plan: *m.plan,
		})
	if err != nil {
		return m.refuse(err), nil
	}
	m.proofs = append(m.proofs, out.Proof)
	if out.Refused {
		m.why = out.Message
		return onRefused, nil
	}
	return onApplied, nil
}

// rotationOver says that the new token would have ended by now: it was approved too late.
func (m *machine) rotationOver(now time.Time) bool {
	if m.plan.Rotation == nil {
		return false
	}
	why := m.plan.Rotation.Over(now)
	if why != "" {
		m.why = why
	}
	return why != ""
}
