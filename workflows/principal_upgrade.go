package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/wire"
)

// upgradePause is how often a quiet writer wakes, so that it moves to a new build of the worker.
// A writer may be quiet for as long as its longest lease, a year, and is pinned: Temporal tells
// it of a new build with its next workflow task only, and the workers of the old build must run
// until then. Six hours are five events of history, and cost 10,000 writers one task every two
// seconds.
const upgradePause = 6 * time.Hour

// wakeAt is when a run that has nothing to do wakes, and what for: when a lease is overdue, or
// when it looks after a new build. due and the answer are zero for never; looked is when it last
// looked.
func (p *principalRun) wakeAt(due, looked time.Time) (at time.Time, summary string) {
	if p.asksOnce && p.asked && len(p.ownership.Leases) == 0 {
		return due, "" // zero: the run ends with the change under way
	}
	if look := looked.Add(upgradePause); p.upgrades && (due.IsZero() || look.Before(due)) {
		return look, "look after a new build of the worker"
	}
	return due, "a lease that its grant has not released"
}

// plansAnew says that the run that waits for until must wake at another time. due is when the
// first lease was overdue as it began to wait.
func (p *principalRun) plansAnew(due, until, looked time.Time) bool {
	now := p.overdueAt()
	if !p.asksOnce {
		return !now.Equal(due)
	}
	at, _ := p.wakeAt(now, looked)
	return !at.Equal(until)
}

// outdated says that the workflow is pinned to a build of the worker, and new runs go to another
// one: the one that was made current since, after a rollback the one before. Servers before 1.31
// never say so.
func (p *principalRun) outdated(ctx workflow.Context) bool {
	return p.upgrades && workflow.GetInfo(ctx).GetTargetWorkerDeploymentVersionChanged()
}

// continueAsNew goes on in a new run with all that this one knows: on another build of the
// worker if this one is outdated. The other build must read the input, so fields that are added
// to it must be optional both ways.
func (p *principalRun) continueAsNew(ctx workflow.Context) error {
	var options workflow.ContinueAsNewErrorOptions
	if p.outdated(ctx) {
		options.InitialVersioningBehavior = workflow.ContinueAsNewVersioningBehaviorAutoUpgrade
	}
	return workflow.NewContinueAsNewErrorWithOptions(ctx, options, wire.PrincipalType, wire.PrincipalInput{
		WriterStart: p.who, Ownership: p.ownership.LeasesOnly(), Holders: summedUp(p.holders),
	})
}
