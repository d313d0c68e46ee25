package workflows

// Offboard removes everything from a principal and verifies it: the user or service user
// itself, or every role down to one that is named. People start it with `starter
// offboard`, `starter service-user retire` or the temporal CLI. It goes through the
// principal's one writer; all leases on the principal are lost to it. Once it is being
// applied it is carried through: it has no deadline and cannot be cancelled. Its id is
// offboard/<request> by custom. Versioning: auto-upgrade.

import (
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// Offboard is the workflow of type [wire.OffboardType].
func Offboard(ctx workflow.Context, in wire.OffboardInput) (wire.RequestResult, error) {
	if err := checkInput(ctx, in, in.Validate()); err != nil {
		return wire.RequestResult{}, err
	}
	return newMachine(ctx, offboardKind, planInput(in.Spec(), in.Signed, in.DryRun)).carryOut(ctx)
}
