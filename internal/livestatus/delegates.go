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

// delegates completes whom a request asks with those who may decide by a delegation, so
// that they need no database to find what is pending for them.
func (q *queryInterceptor) delegates(ctx context.Context, status wire.RequestStatus) wire.RequestStatus {
	if of, ok := OfExtension(status); ok {
		extension := *status.Extension
		extension.Approval = *q.delegatesOf(ctx, of).Approval
		status.Extension = &extension
	}
	return q.delegatesOf(ctx, status)
}

// delegatesOf is delegates for what the status asks people about.
func (q *queryInterceptor) delegatesOf(ctx context.Context, status wire.RequestStatus) wire.RequestStatus {
	s, ok := ApprovalOf(status)
	if !ok || status.Result != nil || len(s.Undecided()) == 0 {
		return status
	}
	now := q.now()
	all, err := q.source.Delegations(ctx, store.DelegationsQuery{
		Console: status.Plan.Console, At: now, By: s.Undecided(),
	})
	if err != nil {
		return status // the workflow's own answer stands
	}
	all = slices.DeleteFunc(all, func(d access.Delegation) bool { return q.doubt(d) != nil })
	consent := *status.Approval
	consent.Delegates = nil
	for _, d := range s.Delegates(all, now) {
		consent.Delegates = append(consent.Delegates, wire.StepDelegate{By: d.By, To: d.To, Until: d.Until})
	}
	status.Approval = &consent
	return status
}

// doubt says why a delegation does not count, or nil.
func (q *queryInterceptor) doubt(d access.Delegation) error {
	for _, holds := range q.holds {
		if err := holds(d); err != nil {
			return err
		}
	}
	return nil
}
