package main

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/pending"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// item returns a request as a line of the list.
func (d *inboxBackend) item(s wire.RequestStatus) inbox.Item {
	out := inbox.Item{
		ID: s.Request, Summary: describe.ShortPlan(*s.Plan), Requester: s.Requester, Reason: s.Plan.Terms.Reason,
	}
	if text := extensionText(s); text != "" {
		out.ID, out.Summary = s.Request+extensionSuffix, text+": "+out.Summary
		out.Requester, out.Reason = s.Extension.Asked.By, s.Extension.Asked.Comment
	}
	if c := s.Approval; c != nil {
		out.Given, out.Need, out.Until, out.Review = c.Given, c.Need, c.Until, c.Review
	}
	return out
}

// detail returns a request that is still running.
func (d *inboxBackend) detail(s wire.RequestStatus) inbox.Detail {
	if s.Plan == nil {
		return inbox.Detail{
			Item:   inbox.Item{ID: s.Request, Requester: s.Requester},
			Closed: pending.Ineligible(s, d.by, approval.Approve),
		}
	}
	out := d.planDetail(s.Request, *s.Plan, s.StartedAt)
	out.Item = d.item(s)
	out.Summary = describe.Plan(*s.Plan)
	if text := extensionText(s); text != "" {
		out.Summary, out.Shortens = text+": "+out.Summary, false
	}
	out.Closed = pending.Ineligible(s, d.by, approval.Approve)
	state, open := livestatus.ApprovalOf(s)
	if c := s.Approval; open {
		out.Length = time.Duration(state.Terms().Duration)
		out.Decisions = decisionRecords(c.Decisions)
		out.Shortens = out.Shortens && !c.Review
		out.Facts = append(decisionFacts(s, d.by), out.Facts...)
	}
	if !open {
		state = approval.Of(*s.Plan, s.StartedAt)
	}
	out.Steps = inboxSteps(state, open, pending.Delegations(s.Approval))
	return out
}

// endedDetail returns a request that has ended, from its result.
func (d *inboxBackend) endedDetail(id string, seen requestrecord.Observation) inbox.Detail {
	out := inbox.Detail{Item: inbox.Item{ID: id}}
	receipt := (*access.Receipt)(nil)
	if seen.Result != nil {
		receipt = seen.Result.Receipt
	}
	var decisions []access.Decision
	if receipt != nil {
		out = d.planDetail(id, receipt.Plan, receipt.StartedAt)
		decisions = receipt.Decisions
		out.Decisions = decisionRecords(decisions)
		opened := approval.Of(receipt.Plan, receipt.StartedAt)
		opened.Deadline = time.Time{} // the decisions show when approval was requested
		out.Steps = inboxSteps(approval.Replay(opened, decisions).State, false, nil)
	}
	out.Closed = "it has ended: " + seen.State()
	switch {
	case len(decisions) > 0:
		last := decisions[len(decisions)-1]
		out.Closed += fmt.Sprintf("; last decided by %s (%s) at %s", last.Who(), last.Action, describe.Second(last.At))
	case seen.Result != nil && seen.Result.Message != "":
		out.Closed += ": " + seen.Result.Message
	case seen.Failure != nil:
		out.Closed += ": " + seen.Failure.Error()
	}
	return out
}

func (d *inboxBackend) planDetail(id string, plan access.Plan, requestedAt time.Time) inbox.Detail {
	n := describe.NewNames(d.names, &plan)
	out := inbox.Detail{
		Item: inbox.Item{
			ID: id, Summary: describe.Plan(plan), Requester: plan.Terms.Requester, Reason: plan.Terms.Reason,
		},
		Plan: plan.Hash, Shortens: plan.Op == access.OpGrant || plan.Op == access.OpAcquire,
		Length: time.Duration(plan.Terms.Duration), Before: n.Holdings(plan.Before), After: n.Holdings(plan.After),
	}
	add := func(name string, warns bool, texts ...string) {
		for _, text := range texts {
			if text != "" {
				out.Facts = append(out.Facts, inbox.Fact{Name: name, Text: text, Warns: warns})
				name = ""
			}
		}
	}
	add("loses", true, n.Lost(plan)...)
	add("note", true, plan.Notes...)
	if at := plan.Terms.StartAt; !at.IsZero() {
		add("starts", false, describe.Second(at))
	}
	add("requested", false, describe.Second(requestedAt))
	add("console", false, plan.Console)
	add("approval", false, plan.Approval.Policy)
	return out
}

// decisionFacts states that a decision reviews a break-glass request, or that the person
// decides as a delegate.
func decisionFacts(s wire.RequestStatus, by string) []inbox.Fact {
	var out []inbox.Fact
	c := *s.Approval
	switch {
	case !c.Review || c.Verdict != "":
	case s.State == wire.StateAwaitingReview:
		out = append(out, inbox.Fact{Name: "review", Warns: true, Text: "applied without approval (break-glass) and " +
			"ended: the role is removed; review what it was used for"})
	default:
		out = append(out, inbox.Fact{Name: "review", Warns: true, Text: "applied without approval (break-glass) and " +
			"active: approving keeps the role; denying, or no decision in time, removes it at once"})
	}
	if delegation := pending.Eligibility(s, by, approval.Approve).Delegation; delegation != nil {
		out = append(out, inbox.Fact{Name: "for", Text: fmt.Sprintf("%s, who delegated their decisions to you until %s",
			strings.TrimSpace(delegation.By), describe.Second(delegation.Until))})
	}
	return out
}

// inboxSteps returns the steps of an approval or of a review, with their approvals so far.
// asked is true while approvers can still decide.
func inboxSteps(s approval.State, asked bool, delegations []access.Delegation) []inbox.Step {
	var out []inbox.Step
	open, isOpen := s.OpenStep()
	for i := range s.Steps {
		at := s.StepAt(i)
		step := inbox.Step{Need: at.Need, Given: at.Given, Groups: at.Groups, People: at.People}
		if step.Open = asked && isOpen && i == open.Number; step.Open {
			step.People = pending.Approvers(s, delegations)
		}
		out = append(out, step)
	}
	return out
}

func decisionRecords(decisions []access.Decision) []inbox.DecisionRecord {
	var out []inbox.DecisionRecord
	for _, d := range decisions {
		out = append(out, inbox.DecisionRecord{
			At: d.At, By: d.By, Action: d.Action, Comment: d.Comment, OnBehalfOf: d.OnBehalfOf, Signed: d.Signed,
			Narrowed: requestrecord.Decision{Decision: d}.Narrowed(),
		})
	}
	return out
}
