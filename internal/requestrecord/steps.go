package requestrecord

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/wire"
)

// Step is one step of the approval or of the review.
type Step struct {
	access.ApprovalStep

	Review    bool
	Decisions []Decision // that count, on the current plan
	Open      *OpenStep  // nil unless it waits for decisions now
}

// OpenStep is what an open step still needs, from whom, and until when.
type OpenStep struct {
	Anyone    bool     // anyone but [Record.Excluded]
	Approvers []string // else those who may decide, as [pending.Approvers] names them
	Given     int      // approvals
	Need      int
	Deadline  time.Time
	Estimated bool // whether the deadline is estimated
}

// Steps returns the steps of the approval, or of the review of break-glass; none before
// there is a plan, or if nobody must decide.
func (r Record) Steps() []Step {
	if r.Plan == nil {
		return nil
	}
	current := r.CurrentDecisions()
	waiting, isPending := r.Pending()
	var out []Step
	for i, s := range approval.Of(*r.Plan, r.PlannedAt).Steps {
		step := Step{ApprovalStep: s, Review: r.Plan.Approval.Review != nil}
		for _, d := range current {
			if d.Step == i {
				step.Decisions = append(step.Decisions, d)
			}
		}
		if isPending && waiting.Step == i {
			step.Open = openStep(waiting)
		}
		out = append(out, step)
	}
	return out
}

func openStep(p Pending) *OpenStep {
	open, _ := p.OpenStep()
	out := &OpenStep{
		Anyone: open.Anyone, Given: open.Given, Need: open.Need, Deadline: p.Deadline, Estimated: p.Estimated,
	}
	if !open.Anyone {
		out.Approvers = pending.Approvers(p.State, p.Delegations)
	}
	return out
}

// Excluded returns the people whose decisions never count: the requester, and the
// recipient if that is someone else. A requester who is not known is "".
func (r Record) Excluded() []string {
	out := []string{r.Requester()}
	if r.Plan == nil {
		return out
	}
	if mail := r.Plan.Principal.Email; mail != "" && access.Fold(mail) != access.Fold(r.Requester()) {
		out = append(out, mail)
	}
	return out
}

// PendingExtension is the extension that waits for decisions, by the workflow; nil if none does.
func (r Record) PendingExtension() *wire.ExtensionStatus {
	if r.Receipt != nil || r.Over || r.Status == nil {
		return nil
	}
	return r.Status.Extension
}
