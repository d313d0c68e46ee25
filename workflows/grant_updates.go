package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// handle installs the query and the updates.
func (g *grantRun) handle(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, wire.StatusQuery, g.answer),
		g.handleDecisions(ctx),
		workflow.SetUpdateHandlerWithOptions(ctx, wire.CancelUpdate, g.onStop, workflow.UpdateHandlerOptions{
			Validator: g.mayCancel, Description: "call the grant off before it is applied",
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, wire.EndUpdate, g.onStop, workflow.UpdateHandlerOptions{
			Validator: g.mayEnd, Description: "release a timed grant now",
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, wire.ExtendUpdate, g.onExtend, workflow.UpdateHandlerOptions{
			Validator: g.mayExtend, Description: "lengthen a timed grant that is in force",
		}),
	)
}

func (g *grantRun) mayCancel(in wire.StopInput) error {
	if err := mustSay(in.By); err != nil {
		return err
	}
	switch {
	case g.stopBy != "":
		return refused(g.stopBy + " has called it off already")
	case g.state == wire.StateActive && g.endsAt.IsZero():
		return refused("too late to cancel: the grant is in force; use end")
	case g.state == wire.StateActive:
		return refused("too late to cancel: the grant is in force until " + at(g.endsAt) + "; use end")
	case g.state == wire.StatePlanning || g.state == wire.StateAwaitingApproval || g.state == wire.StateScheduled || g.state == wire.StateApplying:
		return nil
	}
	return notNow("cancel", g.state)
}

func (g *grantRun) mayEnd(in wire.StopInput) error {
	if err := mustSay(in.By); err != nil {
		return err
	}
	switch {
	case g.keeps():
		return refused("it is reviewed, and becomes a role for good: revoke it")
	case g.state == wire.StateActive && g.stopBy == "":
		return nil
	case g.stopBy != "":
		return refused(g.stopBy + " has ended it already")
	case g.state == wire.StateReleasing:
		return refused("it is being released: see status")
	case g.state == wire.StateAwaitingReview:
		return refused("it has ended already, and only waits for its review")
	case g.state == wire.StateGranted:
		return refused("the role was granted for good: revoke it")
	}
	return notNow("end it", g.state)
}

// onStop answers when the grant has ended: with proof, if it was in force.
func (g *grantRun) onStop(ctx workflow.Context, in wire.StopInput) (wire.RequestAnswer, error) {
	if g.stopBy == "" {
		g.stopBy = in.By
	}
	open, stop := workflow.NewDisconnectedContext(ctx) // a cancelled run still answers
	defer stop()
	err := workflow.Await(open, func() bool { return g.over || g.gone })
	return g.said(), err
}

func (g *grantRun) said() wire.RequestAnswer {
	out := wire.RequestAnswer{State: g.state}
	switch {
	case g.result != nil:
		out.Outcome = g.result.Outcome
	case g.gone:
		out.Outcome = g.proofs[len(g.proofs)-1].Outcome
	}
	if !g.endsAt.IsZero() {
		out.EndsAt = new(g.endsAt) // as it is now: it may move before the answer is sent
	}
	return out
}

// mostExtensions bounds how often the end of one grant is moved, since Temporal takes only
// so many updates of a workflow: the last of them must not be what cannot end it.
const mostExtensions = 100

// mayExtend says why an extension is refused: by the state of the grant, by its approvals,
// or because it would last too long.
func (g *grantRun) mayExtend(in wire.ExtendInput) error {
	if err := mustSay(in.By); err != nil {
		return err
	}
	if g.state != wire.StateActive || g.stopBy != "" {
		return notNow("extend it", g.state)
	}
	if g.endsAt.IsZero() {
		return refused("it is for good: there is no end that could be moved")
	}
	if in.Duration <= 0 {
		return refused(fmt.Sprintf("duration is %s: give one above 0, by which the end moves", in.Duration))
	}
	if len(g.extensions) >= mostExtensions {
		return refused(fmt.Sprintf("it was extended %d times already: ask for a new grant", len(g.extensions)))
	}
	if err := g.notShortened(); err != nil {
		return err
	}
	return g.notTooLong(in)
}

// notShortened refuses to extend a grant that an approver has shortened.
func (g *grantRun) notShortened() error {
	for _, d := range g.decisions {
		if d.Duration > 0 {
			return refused(fmt.Sprintf("%s has allowed it for %s and no longer: ask for a new grant",
				d.Who(), d.Duration))
		}
	}
	return nil
}

// notTooLong refuses an extension beyond what the policy, or this program, allows in all.
func (g *grantRun) notTooLong(in wire.ExtendInput) error {
	from := g.info.StartedAt
	if g.in.StartAt != nil && g.in.StartAt.After(from) {
		from = *g.in.StartAt
	}
	total := g.endsAt.Add(time.Duration(in.Duration)).Sub(from)
	if longest := g.plan.Approval.MaxDuration; longest > 0 && access.Duration(total) > longest {
		return refused(fmt.Sprintf(
			"it would last %s in all: the policy allows %s", access.Duration(total), longest))
	}
	if total > wire.MaxDuration {
		return refused(fmt.Sprintf(
			"it would last %s in all: the longest is %s", access.Duration(total), days(wire.MaxDuration)))
	}
	return nil
}

// onExtend moves the end, and tells the writer, whose own watch over the lease must
// not end it before.
func (g *grantRun) onExtend(ctx workflow.Context, in wire.ExtendInput) (wire.RequestAnswer, error) {
	if err := g.mayExtend(in); err != nil { // the end may have come since it was asked
		return wire.RequestAnswer{}, err
	}
	g.endsAt = g.endsAt.Add(time.Duration(in.Duration))
	g.extensions = append(g.extensions, access.Extension{
		At: workflow.Now(ctx).UTC(), By: strings.TrimSpace(in.By), Duration: in.Duration, EndsAt: g.endsAt,
	})
	change := g.letStand(g.leaseEnd(), fmt.Sprintf("extend/%d", len(g.extensions)))
	g.log.Info("Grant is extended", "by", in.By, "ends_at", g.endsAt)
	answer := g.said()
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	return answer, g.tell(open, change, &g.extensions[len(g.extensions)-1])
}

func (g *grantRun) answer() (wire.RequestStatus, error) {
	out := g.status()
	out.Approval = g.consentStatus()
	if start := g.terms().StartAt; !start.IsZero() {
		out.StartsAt = &start
	}
	if !g.endsAt.IsZero() {
		out.EndsAt = &g.endsAt
	}
	return out, nil
}
