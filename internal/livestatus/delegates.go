package livestatus

import (
	"context"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// ApprovalOf is the approval that a status shows, to judge who is eligible; ok is false
// if the request asks nobody, or has no plan yet. The open step is as the workflow says,
// the people included to whom it was escalated.
func ApprovalOf(status wire.RequestStatus) (s approval.State, ok bool) {
	c := status.Approval
	if status.Plan == nil || c == nil {
		return approval.State{}, false
	}
	s = approval.Of(*status.Plan, time.Time{})
	s.Review, s.Step, s.Deadline, s.EscalatedAt = c.Review, c.Step, c.Until, c.EscalatedAt
	s.Decisions, s.Verdict = c.Decisions, approval.Verdict(c.Verdict)
	s.Request.Requester = status.Requester
	if IsExtension(status) {
		s.Request.Asker = status.Extension.Asked.By
	}
	steps := make([]access.ApprovalStep, c.Steps)
	copy(steps, s.Steps)
	if c.Step < c.Steps {
		steps[c.Step] = access.ApprovalStep{Need: c.Need, Groups: c.From, People: c.People}
	}
	s.Steps = steps
	return s, true
}

// delegates completes whom a request asks with those who may decide by a delegation. Without a
// store these are the delegations that were in force when the request was planned.
func (c *Completer) delegates(ctx context.Context, status wire.RequestStatus) wire.RequestStatus {
	if of, ok := OfExtension(status); ok {
		extension := *status.Extension
		extension.Approval = *c.delegatesOf(ctx, of).Approval
		status.Extension = &extension
	}
	return c.delegatesOf(ctx, status)
}

// delegatesOf is delegates for what the status asks people about.
func (c *Completer) delegatesOf(ctx context.Context, status wire.RequestStatus) wire.RequestStatus {
	s, ok := ApprovalOf(status)
	if !ok || status.Result != nil || len(s.Undecided()) == 0 {
		return status
	}
	now := c.now()
	asked := *status.Approval
	all, err := c.delegations(ctx, status.Plan.Console, now, s.Undecided())
	if err != nil {
		asked.Delegates = slices.DeleteFunc(slices.Clone(asked.Delegates), func(d wire.StepDelegate) bool {
			return !now.Before(d.Until)
		})
		status.Approval = &asked
		return status
	}
	asked.Delegates = nil
	for _, d := range s.Delegates(c.counting(all), now) {
		asked.Delegates = append(asked.Delegates, wire.StepDelegate{By: d.By, To: d.To, Until: d.Until})
	}
	status.Approval = &asked
	return status
}

func (c *Completer) delegations(
	ctx context.Context, console string, at time.Time, by []string,
) ([]access.Delegation, error) {
	source, err := c.source(ctx)
	if err != nil {
		return nil, err
	}
	return source.Delegations(ctx, store.DelegationsQuery{Console: console, At: at, By: by})
}
