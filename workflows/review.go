package workflows

// A grant may start at once and be looked at afterwards (break-glass), where the policy
// says so. From when it is in force, the reviewers have so long: enough approvals, and it
// goes on as any other; a denial, or no review in time, and the role is taken back at
// once. Whose end comes first is taken back at its end and stays open for its review, so
// that nobody gets by one with a short grant.

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// unreviewed is how long the writer lets a role stand that nobody has reviewed yet: should
// this workflow be terminated, the writer ends it by then.
func (g *grantRun) unreviewed(length access.Duration) access.Duration {
	r := g.plan.Approval.Review
	if r == nil || length > 0 && length < r.Within {
		return length
	}
	return r.Within
}

// inReview says that people are still to look at it.
func (g *grantRun) inReview() bool { return g.reviewing && g.verdict == "" }

// failsReview says that it was denied in review, or not reviewed in time.
func (g *grantRun) failsReview() bool {
	return g.reviewing && (g.verdict == denied || g.verdict == timedOut)
}

// keeps says that it is reviewed, and for good.
func (g *grantRun) keeps() bool {
	return g.reviewing && g.verdict == approved && g.endsAt.IsZero() && g.state == wire.StateActive
}

// leaseEnd is when the writer may end it without us; zero for never.
func (g *grantRun) leaseEnd() time.Time {
	if g.inReview() && (g.endsAt.IsZero() || g.until.Before(g.endsAt)) {
		return g.until
	}
	return g.endsAt
}

// openReview asks the reviewers, and watches over their time beside the grant.
func (g *grantRun) openReview(ctx workflow.Context) {
	r := g.plan.Approval.Review
	if r == nil {
		return
	}
	g.reviewing = true
	g.open(workflow.Now(ctx), []access.ApprovalStep{r.ApprovalStep}, time.Duration(r.Within))
	g.notify(ctx, wire.EventRequested)
	open, _ := workflow.NewDisconnectedContext(ctx) // cancelled, it is reviewed all the same
	workflow.Go(open, g.review)
}

// review reminds, and closes the review when its time is over.
func (g *grantRun) review(ctx workflow.Context) {
	terms := access.Approval{DecideWithin: g.plan.Approval.Review.Within, RemindEvery: g.plan.Approval.RemindEvery}
	for g.verdict == "" {
		seen := len(g.decisions)
		moved, err := awaitUntil(ctx, g.nextInReview(ctx, terms), "time to review", func() bool {
			return g.verdict != "" || len(g.decisions) != seen
		})
		if err != nil {
			return // cannot be: nothing cancels it
		}
		if !moved {
			if err := g.wake(ctx, terms); err != nil {
				return // cannot be either
			}
		}
		g.showReview(ctx)
	}
	g.goOn(ctx)
}

// nextInReview is when reviewers are reminded, also shortly before it is too late, or the
// end of their time.
func (g *grantRun) nextInReview(ctx workflow.Context, terms access.Approval) time.Time {
	next := g.nextReminder(ctx, terms)
	last := g.until.Add(-warnBefore(time.Duration(terms.DecideWithin)))
	if g.notifies && workflow.Now(ctx).Before(last) {
		next = earliest(next, last)
	}
	return next
}

// showReview says in Temporal's own tools what the review has come to.
func (g *grantRun) showReview(ctx workflow.Context) {
	switch {
	case g.state == wire.StateActive && !g.keeps():
		g.showHeld(ctx)
	case g.state == wire.StateAwaitingReview && g.inReview():
		g.enter(ctx, wire.StateAwaitingReview, g.waitingFor())
	}
}

// goOn tells the writer of the end that a reviewed grant has.
func (g *grantRun) goOn(ctx workflow.Context) {
	inForce := func() bool { return g.verdict == approved && g.state == wire.StateActive && g.until.Before(g.endsAt) }
	err := workflow.Await(ctx, func() bool { // an extension that is on its way knows an older end
		return !inForce() || workflow.AllHandlersFinished(ctx)
	})
	if err != nil || !inForce() {
		return
	}
	if err := g.tell(ctx, g.letStand(g.endsAt, "reviewed"), nil); err != nil {
		g.log.Error("Writer does not know the end of a grant that is reviewed", "error", err)
	}
}

// letStand asks the writer to let a lease stand until another time.
func (g *grantRun) letStand(end time.Time, step string) wire.ChangeRequest {
	lease := g.lease()
	lease.End = end
	change := g.changeOf(access.OpAcquire, lease)
	change.Key = lease.ID + "/" + step
	change.Given = &g.proofs[0]
	return change
}

// keep makes a grant that is reviewed one for good. Where the role is gone meanwhile, it
// is not given again.
func (g *grantRun) keep(ctx workflow.Context) error {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	g.enter(open, wire.StateActive, "for its writer, to make it one for good")
	change := g.changeOf(access.OpGrant, g.lease())
	change.Given = &g.proofs[0]
	out, err := g.apply(open, change, "", 0)
	switch {
	case err != nil:
		return g.takeBack(ctx, wire.StateEnded, "it could not be made one for good: "+reason(err))
	case !out.Proof.Granted():
		return g.takeBack(ctx, wire.StateEnded, "it could not be made one for good: the role was gone already")
	}
	return g.close(open, wire.StateGranted, g.reviewed(wire.StateGranted, ""))
}

// reviewGone takes a role back before it was reviewed, and waits for the review.
func (g *grantRun) reviewGone(ctx workflow.Context, change wire.ChangeRequest, state, why string) error {
	if err := g.insist(ctx, change, ""); err != nil {
		return err
	}
	if g.inReview() {
		g.gone = true
		g.tellRequester(ctx, wire.EventReleased, "taken back, and still to be reviewed")
		g.enter(ctx, wire.StateAwaitingReview, g.waitingFor())
		g.index(ctx, g.until)
	}
	if err := workflow.Await(ctx, func() bool { return g.verdict != "" }); err != nil {
		return err
	}
	return g.close(ctx, state, g.reviewed(state, why))
}

// reviewed says why a grant ends, and what its review came to.
func (g *grantRun) reviewed(state, why string) string {
	if !g.reviewing {
		return why
	}
	said := g.reviewText()
	switch {
	case why != "":
		return why + "; " + said
	case state != wire.StateEnded:
		return said
	case g.verdict == denied:
		return "ended: " + said
	}
	return said + ": ended"
}

// reviewText is what the review came to.
func (g *grantRun) reviewText() string {
	switch g.verdict {
	case approved:
		return "reviewed by " + strings.Join(g.reviewers(), ", ")
	case denied:
		last := g.decisions[len(g.decisions)-1]
		text := "denied in review by " + last.Who()
		if last.Comment != "" {
			text += ": " + last.Comment
		}
		return text
	}
	return fmt.Sprintf("not reviewed within %s", g.plan.Approval.Review.Within)
}

// reviewers are those who have approved.
func (g *grantRun) reviewers() []string {
	var out []string
	for _, d := range g.decisions {
		if d.Action == actionApprove {
			out = append(out, d.Who())
		}
	}
	return out
}
