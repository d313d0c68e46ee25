package workflows

// Grant gives a principal a role at a scope, for good or for a time, and proves it.
// People start it with `starter grant` or the temporal CLI. It is planned and refused
// at once, or waits for its start, is applied through the principal's one writer, and,
// if it is for a time, stays open until the role is gone again: for as long as that
// takes, whatever the console says. Called off at any moment, it leaves nothing half
// done. Its id is grant/<request> by custom. Versioning: auto-upgrade.

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Grant is the workflow of type [wire.GrantType].
func Grant(ctx workflow.Context, in wire.GrantInput) (wire.RequestResult, error) {
	if err := in.Validate(workflow.Now(ctx)); err != nil {
		return wire.RequestResult{}, invalid(err)
	}
	g := &grantRun{consent: newConsent(ctx, newRequest(ctx, planInput(in.Spec(), in.Signed, in.DryRun))), in: in}
	if err := g.handle(ctx); err != nil {
		return wire.RequestResult{}, err
	}
	return g.conclude(ctx, g.run(ctx))
}

// grantRun is the state of one run.
type grantRun struct {
	*consent

	in     wire.GrantInput
	rounds int       // how often it was planned
	endsAt time.Time // of a timed grant that is in force
	stopBy string    // who called it off or ended it; "" for nobody
	over   bool      // the end is reached; what updates wait for
	gone   bool      // the role is taken back, and only its review is open
}

// run goes from the plan to the receipt. A principal that has changed since people
// consented is planned and asked about anew.
func (g *grantRun) run(ctx workflow.Context) error {
	for given := false; !given; {
		for _, step := range []func(workflow.Context) error{g.makePlan, g.askPeople, g.awaitStart} {
			if err := step(ctx); err != nil {
				return g.stopped(ctx, err)
			}
			if g.done() {
				return nil
			}
		}
		var err error
		if given, err = g.give(ctx); err != nil {
			return g.stopped(ctx, err)
		}
	}
	if g.done() {
		return nil
	}
	if err := g.hold(ctx); err != nil {
		return g.stopped(ctx, err)
	}
	return nil
}

// askPeople waits for the consent that the plan asks for; without it the grant ends.
func (g *grantRun) askPeople(ctx workflow.Context) error {
	if g.plan.Approval.Review != nil { // after it is given
		return nil
	}
	if err := g.ask(ctx, g.plan.Approval, func() bool { return g.stopBy != "" }); err != nil {
		return err
	}
	if g.stopBy != "" {
		return g.calledOff(ctx)
	}
	return g.closeUnlessApproved(ctx)
}

// stopped ends a run that was cancelled or that failed.
func (g *grantRun) stopped(ctx workflow.Context, cause error) error {
	switch {
	case g.done():
		return nil
	case !temporal.IsCanceledError(cause) && g.plan == nil:
		return g.fail(ctx, cause)
	case !temporal.IsCanceledError(cause):
		return g.notGiven(ctx, cause)
	case g.state == wire.StateApplying || g.state == wire.StateActive:
		return g.takeBack(ctx, wire.StateCancelled, "called off"+g.byWhom())
	}
	return g.close(ctx, wire.StateCancelled, "called off"+g.byWhom())
}

func (g *grantRun) byWhom() string {
	if g.stopBy == "" {
		return " in Temporal"
	}
	return " by " + g.stopBy
}

// awaitStart waits for the time that was asked for, or that somebody moved it to.
func (g *grantRun) awaitStart(ctx workflow.Context) error {
	start := g.terms().StartAt
	if start.IsZero() || !start.After(workflow.Now(ctx)) {
		return g.calledOff(ctx)
	}
	g.enter(ctx, wire.StateScheduled, "for its start at "+at(start))
	g.index(ctx, start)
	if _, err := awaitUntil(ctx, start, "start of the grant", func() bool { return g.stopBy != "" }); err != nil {
		return err
	}
	return g.calledOff(ctx)
}

// calledOff ends a grant that somebody cancelled before it was applied.
func (g *grantRun) calledOff(ctx workflow.Context) error {
	if g.stopBy == "" {
		return nil
	}
	return g.close(ctx, wire.StateCancelled, "called off"+g.byWhom())
}

// give applies the grant, and says whether that is settled: if not, the principal is
// not as people saw it when they consented, and nothing was done. Whoever calls it off
// meanwhile stops the waiting, not the writer: what that has done is taken back.
func (g *grantRun) give(ctx workflow.Context) (settled bool, err error) {
	g.enter(ctx, wire.StateApplying, "")
	g.index(ctx, time.Time{})
	change, end := g.changeOf(access.OpGrant, g.lease()), wire.StateGranted
	if g.timed() || g.plan.Approval.Review != nil { // what may have to be taken back
		change, end = g.changeOf(access.OpAcquire, g.timedLease()), ""
	}
	if g.plan.Approval.Required {
		change.Expect = &g.plan.Before
	}
	return g.applyUnlessStopped(ctx, change, end)
}

func (g *grantRun) timed() bool { return g.terms().Duration > 0 }

// timedLease ends a time after it is acquired, or at a time of its own if its start
// was named.
func (g *grantRun) timedLease() access.Lease {
	l, terms := g.lease(), g.terms()
	l.For = g.unreviewed(terms.Duration)
	if !terms.StartAt.IsZero() {
		l.End = terms.StartAt.Add(time.Duration(terms.Duration)).UTC()
	}
	return l
}

func (g *grantRun) applyUnlessStopped(
	ctx workflow.Context, change wire.ChangeRequest, end string,
) (settled bool, err error) {
	inner, stop := workflow.WithCancel(ctx)
	defer stop()
	var out wire.ApplyResult
	finished := false
	workflow.Go(inner, func(ctx workflow.Context) {
		out, err = g.apply(ctx, change, end, g.rounds)
		finished = true
	})
	if waited := workflow.Await(ctx, func() bool { return finished || g.stopBy != "" }); waited != nil {
		return false, waited
	}
	if !finished {
		stop() // its answer would come too late to count
		return true, g.takeBack(ctx, wire.StateCancelled, "called off"+g.byWhom())
	}
	switch {
	case err != nil || g.done():
		return true, err
	case out.Proof.Outcome == access.PlanChanged:
		g.proofs, g.rounds = nil, g.rounds+1
		g.forget()
		g.anotherRound()
		return false, nil
	case out.Refused():
		return true, g.close(ctx, wire.StateRefused, out.Message)
	}
	return true, nil
}

// notGiven ends a grant that the console finally refused. The writer has made sure
// that nothing of it is left.
func (g *grantRun) notGiven(ctx workflow.Context, cause error) error {
	app, ok := errors.AsType[*temporal.ApplicationError](cause)
	if !ok {
		return cause
	}
	return g.close(ctx, wire.StateRefused, app.Message())
}

// conclude waits until everybody who asked has an answer.
func (g *grantRun) conclude(ctx workflow.Context, err error) (wire.RequestResult, error) {
	g.over = true
	return g.end(ctx, err)
}
