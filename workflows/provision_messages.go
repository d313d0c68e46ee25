package workflows

import (
	"errors"

	"sentinelone-provisioner/internal/wire"

	"go.temporal.io/sdk/workflow"
)

// handle installs the query and the updates.
func (p *provisionRun) handle(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, wire.StatusQuery, p.answer),
		p.handleDecisions(ctx),
		workflow.SetUpdateHandlerWithOptions(ctx, wire.CancelUpdate, p.onStop, workflow.UpdateHandlerOptions{
			Validator: p.mayStop, Description: "call the request off before the account is made",
		}),
	)
}

func (p *provisionRun) mayStop(in wire.StopInput) error {
	if err := mustSay(in.By); err != nil {
		return err
	}
	switch {
	case p.stopBy != "":
		return refused(p.stopBy + " has called it off already")
	case p.state == wire.StatePlanning || p.state == wire.StateAwaitingApproval || p.state == wire.StateApplying:
		return nil
	}
	return notNow("cancel", p.state)
}

// onStop answers when the request has ended: it may have been too late.
func (p *provisionRun) onStop(ctx workflow.Context, in wire.StopInput) (wire.RequestAnswer, error) {
	if p.stopBy == "" {
		p.stopBy = in.By
	}
	open, stop := workflow.NewDisconnectedContext(ctx) // a cancelled run still answers
	defer stop()
	err := workflow.Await(open, func() bool { return p.over })
	out := wire.RequestAnswer{State: p.state}
	if p.result != nil {
		out.Outcome = p.result.Outcome
	}
	return out, err
}
