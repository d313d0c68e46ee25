package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// nextBuildStep is a change of running workflows that only the build of some next release has:
// tests build that worker with the tag nextbuild, run it beside this one, and roll back to this
// one. No other build has the step.
const nextBuildStep = "next-build-step"

// awaitNextBuildStep is the step: a timer of a millisecond, for requests that begin on the next
// build. Those that began on this build go on without it.
func awaitNextBuildStep(ctx workflow.Context) error {
	if !nextBuild || !since(ctx, nextBuildStep) {
		return nil
	}
	return workflow.Sleep(ctx, time.Millisecond)
}
