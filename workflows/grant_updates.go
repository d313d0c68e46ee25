package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
)

// handle installs the query and the updates.
func (g *grantRun) handle(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, StatusQuery, g.answer),
		g.handleDecisions(ctx),
		workflow.SetUpdateHandlerWithOptions(ctx, CancelUpdate, g.onStop, workflow.UpdateHandlerOptions{
			Validator: g.mayCancel, Description: "call the grant off before it is applied",
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, EndUpdate, g.onStop, workflow.UpdateHandlerOptions{
			Validator: g.mayEnd, Description: "release a timed grant now",
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, ExtendUpdate, g.onExtend, workflow.UpdateHandlerOptions{
			Validator: g.mayExtend, Description: "lengthen a timed grant that is in force",
		}),
	)
}

func (g *grantRun) mayCancel(in By) error {
	if err := mustSay(in.By); err != nil {
		return err
	}
	switch {
	case g.stopBy != "":
		return refused(g.stopBy + " has called it off already")
	case g.state == StateActive && g.endsAt.IsZero():
		return refused("too late to cancel: the grant is in force; use end")
	case g.state == StateActive:
		return refused("too late to cancel: the grant is in force until " + at(g.endsAt) + "; use end")
	case g.state == StatePlanning || g.state == StateAwaiting || g.state == StateScheduled || g.state == StateApplying:
		return nil
	}
	return notNow("cancel", g.state)
}

func (g *grantRun) mayEnd(in By) error {
	if err := mustSay(in.By); err != nil {
		return err
	}
	switch {
	case g.keeps():
		return refused("it is reviewed, and becomes a role for good: revoke it")
	case g.state == StateActive && g.stopBy == "":
		return nil
	case g.stopBy != "":
		return refused(g.stopBy + " has ended it already")
	case g.state == StateReleasing:
		return refused("it is being released: see status")
	case g.state == StateReviewing:
		return refused("it has ended already, and only waits for its review")
	case g.state == StateGranted:
		return refused("the role was granted for good: revoke it")
	}
	return notNow("end it", g.state)
}

// onStop answers when the grant has ended: with proof, if it was in force.
func (g *grantRun) onStop(ctx workflow.Context, in By) (Answer, error) {
	if g.stopBy == "" {
		g.stopBy = in.By
	}
	open, stop := workflow.NewDisconnectedContext(ctx) // a cancelled run still answers
	defer stop()
	err := workflow.Await(open, func() bool { return g.over || g.gone })
	return g.said(), err
}

func (g *grantRun) said() Answer {
	out := Answer{State: g.state}
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
func (g *grantRun) mayExtend(in Extension) error {
	if err := mustSay(in.By); err != nil {
		return err
	}
	if g.state != StateActive || g.stopBy != "" {
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
func (g *grantRun) notTooLong(in Extension) error {
	from := g.info.StartedAt
	if g.in.StartAt != nil && g.in.StartAt.After(from) {
		from = *g.in.StartAt
	}
	total := g.endsAt.Add(time.Duration(in.Duration)).Sub(from)
	if longest := g.plan.Approval.MaxDuration; longest > 0 && access.Duration(total) > longest {
		return refused(fmt.Sprintf(
			"it would last %s in all: the policy allows %s", access.Duration(total), longest))
	}
	if total > MaxDuration {
		return refused(fmt.Sprintf(
			"it would last %s in all: the longest is %s", access.Duration(total), days(MaxDuration)))
	}
	return nil
}

// onExtend moves the end, and tells the writer, whose own watch over the lease must
// not end it before.
func (g *grantRun) onExtend(ctx workflow.Context, in Extension) (Answer, error) {
	if err := g.mayExtend(in); err != nil { // the end may have come since it was asked
		return Answer{}, err
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

func (g *grantRun) answer() (RequestStatus, error) {
	out := g.status()
	out.Consent = g.consentStatus()
	if start := g.terms().StartAt; !start.IsZero() {
		out.StartsAt = &start
	}
	if !g.endsAt.IsZero() {
		out.EndsAt = &g.endsAt
	}
	return out, nil
}
