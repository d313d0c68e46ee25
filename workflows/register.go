package workflows

import (
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// Registry is the part of a worker, or of a replayer, that workflows register
// with.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Register names every workflow explicitly, with its versioning behaviour. A sync ends on the
// code that it began on, since it is short. So does each run of a principal's writer and of the
// checks of a connection, which continue as new on a new build (principal_upgrade.go). Grants and
// revokes may be open for a year, so they move to new code and must replay on it; so do requests
// for accounts, which wait for a console for as long as it is away.
func Register(r Registry) {
	for name, w := range map[string]struct {
		run        any
		versioning workflow.VersioningBehavior
	}{
		wire.SyncType:      {Sync, workflow.VersioningBehaviorPinned},
		wire.PrincipalType: {Principal, workflow.VersioningBehaviorPinned},
		wire.NotifyType:    {Notify, workflow.VersioningBehaviorPinned},
		wire.GrantType:     {Grant, workflow.VersioningBehaviorAutoUpgrade},
		wire.RevokeType:    {Revoke, workflow.VersioningBehaviorAutoUpgrade},

		wire.ProvisionUserType:        {ProvisionUser, workflow.VersioningBehaviorAutoUpgrade},
		wire.ProvisionServiceUserType: {ProvisionServiceUser, workflow.VersioningBehaviorAutoUpgrade},
		wire.OffboardType:             {Offboard, workflow.VersioningBehaviorAutoUpgrade},
		wire.RotateTokenType:          {RotateToken, workflow.VersioningBehaviorAutoUpgrade},

		wire.DelegateType: {Delegate, workflow.VersioningBehaviorPinned},
		wire.FreezeType:   {Freeze, workflow.VersioningBehaviorPinned},

		wire.ConnectionType: {Connection, workflow.VersioningBehaviorPinned},
	} {
		r.RegisterWorkflowWithOptions(w.run, workflow.RegisterOptions{Name: name, VersioningBehavior: w.versioning})
	}
}
