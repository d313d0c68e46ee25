package main

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/wire"
)

// isPending says whether a request waits for somebody's decision, before it is applied or,
// for break-glass, afterwards.
func isPending(s wire.RequestStatus) bool {
	state, ok := livestatus.ApprovalOf(s)
	if _, open := state.OpenStep(); !ok || !open || s.Result != nil {
		return false
	}
	return state.Review || s.State == wire.StateAwaitingApproval || s.State == wire.StateActive
}

// eligibility judges whether a person may approve or deny (action) a request now, by what
// its status says. The workflow judges by the same rules and decides; whether the deadline
// has passed is left to its clock.
func eligibility(s wire.RequestStatus, who, action string) approval.Eligibility {
	state, ok := livestatus.ApprovalOf(s)
	switch {
	case s.Plan == nil:
		return approval.Eligibility{Refusal: approval.NotPlanned(s.State, s.Waiting)}
	case !isPending(s) && (!ok || state.Verdict == ""):
		return approval.Eligibility{Refusal: approval.NothingToDecide(s.State, s.Waiting)}
	}
	return state.Eligibility(who, action, time.Time{}, delegationsOf(s.Approval)...)
}

// ineligible says why a person may not approve or deny a request now; "" if they may.
func ineligible(s wire.RequestStatus, who, action string) string {
	return eligibility(s, who, action).Refusal.Sentence()
}

// canDecide says whether a person may approve a request now.
func canDecide(s wire.RequestStatus, who string) bool {
	return eligibility(s, who, approval.Approve).Eligible
}

// delegationsOf are those by which somebody may decide, as the status says.
func delegationsOf(c *wire.ApprovalStatus) []access.Delegation {
	if c == nil {
		return nil
	}
	out := make([]access.Delegation, len(c.Delegates))
	for i, d := range c.Delegates {
		out[i] = access.Delegation{By: d.By, To: d.To, Until: d.Until}
	}
	return out
}

// pendingPeople are those who may decide the open step, as in "erin@example.com for
// carol@example.com"; nobody if it asks anyone.
func pendingPeople(s approval.State, delegations []access.Delegation) []string {
	out := s.Undecided()
	for _, d := range s.Delegates(delegations, time.Time{}) {
		out = append(out, fmt.Sprintf("%s for %s", strings.TrimSpace(d.To), strings.TrimSpace(d.By)))
	}
	return out
}

func stateAndWait(s wire.RequestStatus) string {
	if s.Waiting == "" {
		return s.State
	}
	return s.State + ", " + s.Waiting
}
