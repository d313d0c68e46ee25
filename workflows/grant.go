package workflows

// Grant gives a principal a role at a scope, permanently or for a time, and verifies it.
// People start it with `starter grant` or the temporal CLI. It is planned and refused
// at once, or waits for its approval and its start, is applied through the principal's one
// writer, and, if it is time-bound, stays open until the role is gone again: for as long as
// that takes, whatever the console says. Cancelled at any moment, it leaves nothing half
// done. Its id is grant/<request> by custom. Versioning: auto-upgrade.

import (
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// Grant is the workflow of type [wire.GrantType].
func Grant(ctx workflow.Context, in wire.GrantInput) (wire.RequestResult, error) {
	if err := checkInput(ctx, in, in.Validate(workflow.Now(ctx))); err != nil {
		return wire.RequestResult{}, err
	}
	return newMachine(ctx, grantKind, planInput(in.Spec(), in.Signed, in.DryRun)).carryOut(ctx)
}
