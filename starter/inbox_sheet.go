package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/workflows"
)

// item is a request as a line of the list.
func (d *desk) item(s workflows.RequestStatus) inbox.Item {
	out := inbox.Item{
		ID: s.Request, What: deskShort(*s.Plan), Requester: s.Requester, Reason: s.Plan.Terms.Reason,
	}
	if s.Consent != nil {
		out.Given, out.Need, out.Until = s.Consent.Given, s.Consent.Need, s.Consent.Until
	}
	return out
}

// deskShort is [what] without ids, for a line that is not long.
func deskShort(plan access.Plan) string {
	who := cmp.Or(plan.Principal.Email, plan.Principal.Name, plan.Principal.ID)
	at := cmp.Or(plan.Scope.Name, plan.Scope.ID, "the tenant")
	role := cmp.Or(plan.Role.Name, plan.Role.ID)
	switch plan.Op {
	case access.OpGrant:
		return fmt.Sprintf("give %s %s at %s", who, role, at)
	case access.OpAcquire:
		return fmt.Sprintf("give %s %s for %s at %s", who, role, plan.Terms.Duration, at)
	case access.OpRevoke:
		return fmt.Sprintf("take %s at %s from %s", role, at, who)
	case access.OpCreate, access.OpReset, access.OpDelete, access.OpRelease:
	}
	return what(plan)
}

// sheet is all that must be known of a request that runs.
func (d *desk) sheet(s workflows.RequestStatus) inbox.Sheet {
	if s.Plan == nil {
		return inbox.Sheet{
			Item: inbox.Item{ID: s.Request, Requester: s.Requester}, Closed: deskMayNot(s, d.by),
		}
	}
	out := d.sheetOfPlan(s.Request, *s.Plan, s.StartedAt)
	out.Item = d.item(s)
	out.What = what(*s.Plan)
	out.Closed = deskMayNot(s, d.by)
	if s.Consent != nil {
		out.Length = deskLength(*s.Plan, s.Consent.Decisions)
		out.Decisions = deskSaid(s.Consent.Decisions)
	}
	out.Steps = deskSteps(s.Plan.Approval, s.Consent)
	return out
}

// sheetOfEnded is what is left of a request that has ended.
func (d *desk) sheetOfEnded(id string, seen glimpse) inbox.Sheet {
	out := inbox.Sheet{Item: inbox.Item{ID: id}}
	receipt := (*access.Receipt)(nil)
	if seen.result != nil {
		receipt = seen.result.Receipt
	}
	var decisions []access.Decision
	if receipt != nil {
		out = d.sheetOfPlan(id, receipt.Plan, receipt.StartedAt)
		decisions = receipt.Decisions
		out.Decisions = deskSaid(decisions)
		out.Steps = deskSteps(receipt.Plan.Approval, &workflows.ConsentStatus{
			Step: len(receipt.Plan.Approval.Steps), Verdict: receipt.State, Decisions: decisions,
		})
	}
	out.Closed = "it has ended: " + seen.state()
	switch {
	case len(decisions) > 0:
		last := decisions[len(decisions)-1]
		out.Closed += fmt.Sprintf("; last decided by %s (%s) at %s", last.By, last.Action, instant(last.At))
	case seen.result != nil && seen.result.Message != "":
		out.Closed += ": " + seen.result.Message
	case seen.failure != nil:
		out.Closed += ": " + seen.failure.Error()
	}
	return out
}

func (d *desk) sheetOfPlan(id string, plan access.Plan, askedAt time.Time) inbox.Sheet {
	n := newNaming(d.names, &plan)
	out := inbox.Sheet{
		Item: inbox.Item{
			ID: id, What: what(plan), Requester: plan.Terms.Requester, Reason: plan.Terms.Reason,
		},
		Plan: plan.Hash, Shortens: plan.Op == access.OpGrant || plan.Op == access.OpAcquire,
		Length: time.Duration(plan.Terms.Duration), Before: n.holdings(plan.Before), After: n.holdings(plan.After),
	}
	add := func(name string, warns bool, texts ...string) {
		for _, text := range texts {
			if text != "" {
				out.Facts = append(out.Facts, inbox.Fact{Name: name, Text: text, Warns: warns})
				name = ""
			}
		}
	}
	add("loses", true, n.lost(plan)...)
	add("note", true, plan.Notes...)
	if at := plan.Terms.StartAt; !at.IsZero() {
		add("starts", false, instant(at))
	}
	add("asked", false, instant(askedAt))
	add("console", false, plan.Console)
	add("approval", false, plan.Approval.Policy)
	return out
}

// deskLength is how long a role would be held as approvers have left it; 0 is for good.
func deskLength(plan access.Plan, decisions []access.Decision) time.Duration {
	length := plan.Terms.Duration
	for _, d := range decisions {
		if d.Duration > 0 {
			length = d.Duration
		}
	}
	return time.Duration(length)
}

// deskSteps are those of the policy, with how far they are.
func deskSteps(a access.Approval, c *workflows.ConsentStatus) []inbox.Step {
	var out []inbox.Step
	for i, s := range a.Steps {
		step := inbox.Step{Need: s.Need, Groups: s.Groups, People: s.People}
		if c != nil {
			step.Given = deskApprovals(c.Decisions, i)
			if step.Open = c.Verdict == "" && i == c.Step; step.Open {
				step.People = deskPeople(c.People, c.Decisions)
			}
		}
		out = append(out, step)
	}
	return out
}

func deskApprovals(decisions []access.Decision, step int) int {
	n := 0
	for _, d := range decisions {
		if d.Step == step && d.Action == workflows.ApproveUpdate {
			n++
		}
	}
	return n
}

// deskPeople are the people who have not decided yet.
func deskPeople(people []string, decisions []access.Decision) []string {
	return slices.DeleteFunc(slices.Clone(people), func(who string) bool {
		return slices.ContainsFunc(decisions, func(d access.Decision) bool { return access.Fold(d.By) == who })
	})
}

func deskSaid(decisions []access.Decision) []inbox.Said {
	var out []inbox.Said
	for _, d := range decisions {
		var narrowed []string
		if d.Duration > 0 {
			narrowed = append(narrowed, "for "+d.Duration.String())
		}
		if !d.StartAt.IsZero() {
			narrowed = append(narrowed, "from "+moment(d.StartAt))
		}
		out = append(out, inbox.Said{
			At: d.At, By: d.By, Action: d.Action, Comment: d.Comment, OnBehalfOf: d.OnBehalfOf, Signed: d.Signed,
			Narrowed: strings.Join(narrowed, ", "),
		})
	}
	return out
}
