package workflows

import "go.temporal.io/sdk/workflow"

// Registry is the part of a worker, or of a replayer, that workflows register
// with.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Register names every workflow explicitly, with its versioning behaviour: Sync
// is short, so a run ends on the code it began on.
func Register(r Registry) {
	r.RegisterWorkflowWithOptions(Sync, workflow.RegisterOptions{
		Name: SyncType, VersioningBehavior: workflow.VersioningBehaviorPinned,
	})
}
