package workflows

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// hold keeps a grant in force until its end, which may move, and takes it back. One for
// good that is still to be reviewed has no end.
func (g *grantRun) hold(ctx workflow.Context) error {
	g.endsAt = g.endOf(ctx)
	g.tellRequester(ctx, wire.EventApplied, g.inForce())
	g.openReview(ctx)
	for {
		end := g.endsAt
		g.showHeld(ctx)
		moved := func() bool { return g.stopBy != "" || !g.endsAt.Equal(end) || g.failsReview() || g.keeps() }
		if err := g.warn(ctx, end, moved); err != nil {
			return err
		}
		early, err := awaitUntil(ctx, end, "end of the grant", moved)
		switch {
		case err != nil:
			return err
		case !early:
			return g.takeBack(ctx, wire.StateExpired, "")
		case g.stopBy != "":
			return g.takeBack(ctx, wire.StateEnded, "ended by "+g.stopBy)
		case g.failsReview():
			return g.takeBack(ctx, wire.StateEnded, "")
		case g.keeps():
			return g.keep(ctx)
		}
	}
}

// endOf is when a grant that has just been given ends; zero for one for good.
func (g *grantRun) endOf(ctx workflow.Context) time.Time {
	if !g.timed() {
		return time.Time{}
	}
	if end := g.timedLease().End; !end.IsZero() {
		return end
	}
	return workflow.Now(ctx).Add(time.Duration(g.terms().Duration)).UTC()
}

func (g *grantRun) inForce() string {
	if g.endsAt.IsZero() {
		return "in force"
	}
	return "in force until " + at(g.endsAt)
}

// showHeld says in Temporal's own tools what a grant in force waits for next.
func (g *grantRun) showHeld(ctx workflow.Context) {
	waits, next := "", g.leaseEnd()
	if !g.endsAt.IsZero() {
		waits = "for its end at " + at(g.endsAt)
	}
	if g.inReview() {
		waits = strings.Join(slices.DeleteFunc([]string{g.waitingFor(), waits}, blank), ", and ")
	}
	g.enter(ctx, wire.StateActive, waits)
	g.index(ctx, next)
}

// warn tells people some time before the end, where people are told at all.
func (g *grantRun) warn(ctx workflow.Context, end time.Time, moved func() bool) error {
	if !g.notifies || end.IsZero() {
		return nil
	}
	before := end.Add(-warnBefore(end.Sub(workflow.Now(ctx))))
	early, err := awaitUntil(ctx, before, "warning before the end", moved)
	if err == nil && !early {
		g.tellRequester(ctx, wire.EventAboutToExpire, "about to end at "+at(end))
	}
	return err
}

// takeBack releases what was given, or may have been, and proves that it is gone. It
// has no deadline and no way to give up: while the role may be there, the workflow is.
//
// why says who or what ended it. Where people are still to review it, the request stays
// open for that.
func (g *grantRun) takeBack(ctx workflow.Context, state, why string) error {
	g.enter(ctx, wire.StateReleasing, "")
	g.index(ctx, time.Time{})
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	change := g.changeOf(access.OpRelease, g.lease())
	if len(g.proofs) > 0 {
		change.Given = &g.proofs[0]
	}
	if g.inReview() {
		return g.reviewGone(open, change, state, why)
	}
	g.why = g.reviewed(state, why)
	return g.insist(open, change, state)
}
