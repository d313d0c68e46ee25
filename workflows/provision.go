package workflows

// ProvisionUser and ProvisionServiceUser make an account with one role and prove it.
// People start them with `starter user create`, `starter service-user create` or the
// temporal CLI. They are planned and refused at once, or wait for the approval that the
// policy requires, as a grant of that role would; a console that is down is waited for.
// Cancelled, by update or in Temporal, they end with the whole account or with none. The
// token of a service user goes from the activity to the worker's sink and never comes by
// here. Their id is provision/<request> by custom. Versioning: auto-upgrade.

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
	if err := checkInput(ctx, in, in.Validate()); err != nil {
		return wire.RequestResult{}, err
	}
	return provision(ctx, planInput(in.Spec(), in.Signed, in.DryRun), wire.UserCreateActivity)
}

// ProvisionServiceUser is the workflow of type [wire.ProvisionServiceUserType].
func ProvisionServiceUser(ctx workflow.Context, in wire.ProvisionServiceUserInput) (wire.RequestResult, error) {
	if err := checkInput(ctx, in, in.Validate(workflow.Now(ctx))); err != nil {
		return wire.RequestResult{}, err
	}
	asked := planInput(in.Spec(), in.Signed, in.DryRun)
	asked.Account = new(in.Account(workflow.Now(ctx))) // with the end of its token
	return provision(ctx, asked, wire.ServiceUserCreateActivity)
}

func provision(ctx workflow.Context, asked wire.PlanInput, create string) (wire.RequestResult, error) {
	m := newMachine(ctx, provisionKind, asked)
	m.create = create
	return m.carryOut(ctx)
}

// tokenEnded says that the token of a new service user would have ended by now: it was
// approved too late.
func (m *machine) tokenEnded(now time.Time) bool {
	if m.plan.Account == nil {
		return false
	}
	end := m.plan.Account.TokenExpiresAt
	if end.IsZero() || end.After(now) {
		return false
	}
	m.why = "its token was to end at " + at(end) + ", before it was approved: request it again, with a later end"
	return true
}

// createAccount has the account made. A cancellation stops that; the attempt under way is
// waited for, since what it has sent decides what is left to do. Should that attempt fail,
// nothing is known about the account: [machine.undoAccount] finds out.
func (m *machine) createAccount(ctx workflow.Context) (event, error) {
	var out wire.CreateResult
	var err error
	inner, stop := workflow.WithCancel(ctx)
	defer stop()
	finished := false
	workflow.Go(inner, func(ctx workflow.Context) {
		out, err = call[wire.CreateResult](
			consoleWrite(ctx, "create for "+m.info.ID, false), m.create, m.createInput(false))
		finished = true
	})
	open, end := workflow.NewDisconnectedContext(ctx)
	defer end()
	waited := workflow.Await(open, func() bool { return finished || m.stop != nil })
	if waited == nil && !finished {
		stop()
		waited = workflow.Await(open, func() bool { return finished })
	}
	switch err := errors.Join(err, waited); {
	case err == nil:
		return m.created(out), nil
	case m.stop != nil || ctx.Err() != nil: // Temporal repeats no attempt once it is cancelled
		return "", temporal.NewCanceledError()
	}
	return m.refuse(err), nil
}

func (m *machine) createInput(undo bool) wire.CreateInput {
	return wire.CreateInput{
		Request: m.info, Key: access.ChangeKey(m.lease().ID, access.OpCreate), Plan: *m.plan, Cancel: undo,
	}
}

// undoAccount finds out what came of what was sent, and deletes an account that is not
// whole. It has no deadline: while something may be there, the workflow is.
func (m *machine) undoAccount(ctx workflow.Context) (event, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	for {
		out, err := call[wire.CreateResult](
			consoleWrite(open, "cancel for "+m.info.ID, true), m.create, m.createInput(true))
		if err == nil {
			return m.created(out), nil
		}
		m.log.Error("It is not known yet whether the account was created", "error", err)
		m.enter(open, m.state, "to find out what was created: "+reason(err))
		if err := workflow.Sleep(open, retryPause); err != nil {
			return "", err
		}
	}
}

// created says what came of the account.
func (m *machine) created(out wire.CreateResult) event {
	m.proofs = append(m.proofs, out.Proof)
	switch {
	case out.Refused:
		m.why = out.Message
		return onRefused
	case out.Proof.Outcome == access.NotApplied:
		return onNothingMade
	case m.at == releasingCancelled:
		m.why += " too late: the account was created"
	}
	return onApplied
}
