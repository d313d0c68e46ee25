package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
)

// hold keeps a timed grant in force until its end, which may move, and takes it back.
func (g *grantRun) hold(ctx workflow.Context) error {
	g.endsAt = g.timedLease().End
	if g.endsAt.IsZero() {
		g.endsAt = workflow.Now(ctx).Add(time.Duration(g.terms().Duration)).UTC()
	}
	g.tellRequester(ctx, EventApplied, "in force until "+at(g.endsAt))
	for {
		end := g.endsAt
		g.enter(ctx, StateActive, "for its end at "+at(end))
		g.index(ctx, end)
		moved := func() bool { return g.stopBy != "" || !g.endsAt.Equal(end) }
		if err := g.warn(ctx, end, moved); err != nil {
			return err
		}
		early, err := awaitUntil(ctx, end, "end of the grant", moved)
		switch {
		case err != nil:
			return err
		case !early:
			return g.takeBack(ctx, StateExpired)
		case g.stopBy != "":
			return g.takeBack(ctx, StateEnded)
		}
	}
}

// warn tells people some time before the end, where people are told at all.
func (g *grantRun) warn(ctx workflow.Context, end time.Time, moved func() bool) error {
	if !g.notifies {
		return nil
	}
	before := end.Add(-warnBefore(end.Sub(workflow.Now(ctx))))
	early, err := awaitUntil(ctx, before, "warning before the end", moved)
	if err == nil && !early {
		g.tellRequester(ctx, EventAboutToExpire, "about to end at "+at(end))
	}
	return err
}

// takeBack releases what was given, or may have been, and proves that it is gone. It
// has no deadline and no way to give up: while the role may be there, the workflow is.
func (g *grantRun) takeBack(ctx workflow.Context, state string) error {
	g.enter(ctx, StateReleasing, "")
	g.index(ctx, time.Time{})
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	change := g.changeOf(access.OpRelease, g.lease())
	if n := len(g.proofs); n > 0 {
		change.Given = &g.proofs[n-1]
	}
	return g.insist(open, change, state)
}
