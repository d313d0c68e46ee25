package workflows

// Revoke removes a role from a principal at a scope, permanently, and verifies that it is
// gone. People start it with `starter revoke` or the temporal CLI. Leases on that role end
// with it. Once it is being applied it is carried through: it has no deadline and cannot be
// cancelled. Its id is revoke/<request> by custom. Versioning: auto-upgrade.

import (
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// Revoke is the workflow of type [wire.RevokeType].
func Revoke(ctx workflow.Context, in wire.RevokeInput) (wire.RequestResult, error) {
	if err := checkInput(ctx, in, in.Validate()); err != nil {
		return wire.RequestResult{}, err
	}
	return newMachine(ctx, revokeKind, planInput(in.Spec(), in.Signed, in.DryRun)).carryOut(ctx)
}
