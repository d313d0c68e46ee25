package pending

import (
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/wire"
)

// IsPending reports whether a request waits for a decision: before it is applied or, for
// break-glass, afterwards.
func IsPending(s wire.RequestStatus) bool {
	state, ok := livestatus.ApprovalOf(s)
	if _, open := state.OpenStep(); !ok || !open || s.Result != nil {
		return false
	}
	return state.Review || s.State == wire.StateAwaitingApproval || s.State == wire.StateActive
}

// Subjects are what a request waits for decisions on: its plan or its review, and an extension,
// each as a status of its own. A decision on one names the hash of that status's plan.
func Subjects(s wire.RequestStatus) []wire.RequestStatus {
	var out []wire.RequestStatus
	if IsPending(s) {
		out = append(out, s)
	}
	if of, ok := livestatus.OfExtension(s); ok && IsPending(of) {
		out = append(out, of)
	}
	return out
}

// Eligibility says whether a person, named by e-mail address, may approve or deny (action,
// as in [approval.Approve]) a request now, by its status. The workflow applies the same
// rules when it receives the decision, and its clock alone says whether the deadline has
// passed.
func Eligibility(s wire.RequestStatus, who, action string) approval.Eligibility {
	state, ok := livestatus.ApprovalOf(s)
	switch {
	case s.Plan == nil:
		return approval.Eligibility{Refusal: approval.NotPlanned(s.State, s.Waiting)}
	case !IsPending(s) && (!ok || state.Verdict == ""):
		return approval.Eligibility{Refusal: approval.NothingToDecide(s.State, s.Waiting)}
	}
	return state.Eligibility(who, action, time.Time{}, Delegations(s.Approval)...)
}

// Ineligible says why a person may not approve or deny a request now; "" if they may. See
// [Eligibility].
func Ineligible(s wire.RequestStatus, who, action string) string {
	return Eligibility(s, who, action).Refusal.Sentence()
}

// CanApprove reports whether a person may approve a request now. See [Eligibility].
func CanApprove(s wire.RequestStatus, who string) bool {
	return Eligibility(s, who, approval.Approve).Eligible
}

// Delegations returns the delegations by which people may decide the open step; none for
// nil.
func Delegations(a *wire.ApprovalStatus) []access.Delegation {
	if a == nil {
		return nil
	}
	out := make([]access.Delegation, len(a.Delegates))
	for i, d := range a.Delegates {
		out[i] = access.Delegation{By: d.By, To: d.To, Until: d.Until}
	}
	return out
}

// Approvers returns the people who may decide the open step, a delegate as in
// "erin@example.com for carol@example.com"; none if the step is open to anyone.
func Approvers(s approval.State, delegations []access.Delegation) []string {
	out := s.Undecided()
	for _, d := range s.Delegates(delegations, time.Time{}) {
		out = append(out, fmt.Sprintf("%s for %s", strings.TrimSpace(d.To), strings.TrimSpace(d.By)))
	}
	return out
}

// StateText is the state of a request and what it waits for, as in "planning, waiting for
// SentinelOne".
func StateText(s wire.RequestStatus) string {
	if s.Waiting == "" {
		return s.State
	}
	return s.State + ", " + s.Waiting
}
