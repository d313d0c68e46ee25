package workflows

// ProvisionUser and ProvisionServiceUser make an account with one role and prove it.
// People start them with `starter user create`, `starter service-user create` or the
// temporal CLI. They are planned and refused at once, or wait for the people that the
// policy asks, as a grant of that role would, and are made; a console that is down is
// waited for. Called off, by update or in Temporal, they end with the whole account or
// with none. The token of a service user goes from the activity to the worker's sink and
// never comes by here. Their id is provision/<request> by custom. Versioning:
// auto-upgrade.

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// ProvisionUser is the workflow of type [wire.ProvisionUserType].
func ProvisionUser(ctx workflow.Context, in wire.ProvisionUserInput) (wire.RequestResult, error) {
	if err := in.Validate(); err != nil {
		return wire.RequestResult{}, invalid(err)
	}
	return provision(ctx, planInput(in.Spec(), in.Signed, in.DryRun), wire.UserCreateActivity)
}

// ProvisionServiceUser is the workflow of type [wire.ProvisionServiceUserType].
func ProvisionServiceUser(ctx workflow.Context, in wire.ProvisionServiceUserInput) (wire.RequestResult, error) {
	if err := in.Validate(workflow.Now(ctx)); err != nil {
		return wire.RequestResult{}, invalid(err)
	}
	asked := planInput(in.Spec(), in.Signed, in.DryRun)
	asked.Account = new(in.Account(workflow.Now(ctx))) // with the end of its token
	return provision(ctx, asked, wire.ServiceUserCreateActivity)
}

// provisionRun is the state of one run.
type provisionRun struct {
	*consent

	create string // name of the activity that makes it
	stopBy string // who called it off; "" for nobody
	over   bool   // the end is reached; what updates wait for
}

func provision(ctx workflow.Context, asked wire.PlanInput, create string) (wire.RequestResult, error) {
	p := &provisionRun{consent: newConsent(ctx, newRequest(ctx, asked)), create: create}
	if err := p.handle(ctx); err != nil {
		return wire.RequestResult{}, err
	}
	err := p.run(ctx)
	p.over = true
	return p.end(ctx, err)
}

// run goes from the plan to the receipt.
func (p *provisionRun) run(ctx workflow.Context) error {
	for _, step := range []func(workflow.Context) error{p.makePlan, p.askPeople} {
		switch err := step(ctx); {
		case temporal.IsCanceledError(err):
			return p.close(ctx, wire.StateCancelled, p.calledOff())
		case err != nil:
			return p.fail(ctx, err)
		case p.done():
			return nil
		case p.stopBy != "" || ctx.Err() != nil:
			return p.close(ctx, wire.StateCancelled, p.calledOff())
		}
	}
	p.enter(ctx, wire.StateApplying, "")
	if p.plan.Approval.Required { // others have shown nothing before
		p.index(ctx, time.Time{})
	}
	out, err := p.make(ctx)
	switch {
	case temporal.IsCanceledError(err):
		return p.callOff(ctx)
	case err != nil:
		return p.notMade(ctx, err)
	}
	return p.settle(ctx, out)
}

func (p *provisionRun) calledOff() string {
	if p.stopBy == "" {
		return "called off in Temporal"
	}
	return "called off by " + p.stopBy
}

// make has the account made. Whoever calls it off stops that; the attempt under way is
// waited for, since what it has sent decides what is left to do.
func (p *provisionRun) make(ctx workflow.Context) (out wire.CreateResult, err error) {
	inner, stop := workflow.WithCancel(ctx)
	defer stop()
	finished := false
	workflow.Go(inner, func(ctx workflow.Context) {
		out, err = call[wire.CreateResult](change(ctx, "create for "+p.info.ID, false), p.create, p.ask(false))
		finished = true
	})
	open, end := workflow.NewDisconnectedContext(ctx)
	defer end()
	waited := workflow.Await(open, func() bool { return finished || p.stopBy != "" })
	if waited == nil && !finished {
		stop()
		waited = workflow.Await(open, func() bool { return finished })
	}
	return out, errors.Join(err, waited)
}

func (p *provisionRun) ask(callOff bool) wire.CreateInput {
	return wire.CreateInput{
		Request: p.info, Key: access.ChangeKey(p.lease().ID, access.OpCreate), Plan: *p.plan, CallOff: callOff,
	}
}

// callOff finds out what became of what was sent, and takes back what is not whole. It
// has no deadline: while something may be there, the workflow is.
func (p *provisionRun) callOff(ctx workflow.Context) error {
	p.enter(ctx, wire.StateReleasing, "")
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	for {
		out, err := call[wire.CreateResult](change(open, "call off for "+p.info.ID, true), p.create, p.ask(true))
		if err == nil {
			return p.settle(open, out)
		}
		p.log.Error("It is not known yet whether the account was made", "error", err)
		p.enter(open, p.state, "to find out what was made: "+reason(err))
		if err := workflow.Sleep(open, askAnew); err != nil {
			return err
		}
	}
}

// settle ends the request with what became of the account.
func (p *provisionRun) settle(ctx workflow.Context, out wire.CreateResult) error {
	p.proofs = append(p.proofs, out.Proof)
	late := ""
	if p.state == wire.StateReleasing {
		late = p.calledOff() + " too late: it was made"
	}
	switch {
	case out.Refused:
		return p.close(ctx, wire.StateRefused, out.Message)
	case out.Proof.Outcome == access.NotApplied:
		return p.close(ctx, wire.StateCancelled, p.calledOff())
	}
	return p.close(ctx, wire.StateProvisioned, late)
}

// notMade ends a request that failed for good before anything was sent.
func (p *provisionRun) notMade(ctx workflow.Context, cause error) error {
	app, ok := errors.AsType[*temporal.ApplicationError](cause)
	if !ok {
		return cause
	}
	return p.close(ctx, wire.StateRefused, app.Message())
}
