package pending

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/wire"
)

// Who is eligible, and why others are not.
func TestIneligible(t *testing.T) {
	t.Parallel()
	for by, why := range map[string]string{
		carol: "", " CAROL@example.com ": "", "frank@example.com": "",
		"dave@example.com": "dave@example.com has decided already: approve at " + describe.Second(noon),
		"bob@example.com":  "bob@example.com is the requester", "ana@example.com": "ana@example.com is the recipient",
		"erin@example.com": "erin@example.com is not eligible to decide: it is pending for 1 of 2 from leads until",
		"eve@example.com":  "eve@example.com is not eligible",
	} {
		got := Ineligible(leadsStatus(), by, approval.Approve)
		require.Equal(t, why == "", got == "", "%s: %s", by, got)
		require.Contains(t, got, why, by)
	}
	for name, c := range map[string]struct {
		change func(*wire.RequestStatus)
		by     string
		want   string
	}{
		"anyone": {func(s *wire.RequestStatus) {
			s.Approval.From, s.Approval.People = []string{access.Anyone}, []string{}
		}, "eve@example.com", ""},
		"anyone but the requester": {func(s *wire.RequestStatus) {
			s.Approval.From, s.Approval.People = []string{access.Anyone}, []string{}
		}, "BOB@example.com", "BOB@example.com is the requester"},
		"no people is not anyone": {func(s *wire.RequestStatus) {
			s.Approval.People = nil
		}, carol, "carol@example.com is not eligible"},
		"planning": {func(s *wire.RequestStatus) {
			s.Plan, s.Approval = nil, nil
		}, carol, "not made yet"},
		"active": {func(s *wire.RequestStatus) {
			s.State, s.Approval = wire.StateActive, nil
		}, carol, "there is nothing to decide: the state is active"},
		"cancelled": {func(s *wire.RequestStatus) {
			s.State = wire.StateReleasing
		}, carol, "there is nothing to decide: the state is releasing"},
		"in review": {func(s *wire.RequestStatus) {
			s.State, s.Approval.Review = wire.StateActive, true
		}, carol, ""},
		"in review, over": {func(s *wire.RequestStatus) {
			s.State, s.Approval.Review = wire.StateAwaitingReview, true
		}, carol, ""},
		"through all steps": {func(s *wire.RequestStatus) {
			s.Approval.Step = 2
		}, carol, "there is nothing to decide"},
		"delegate": {func(s *wire.RequestStatus) {
			s.Approval.Delegates = []wire.StepDelegate{{By: carol, To: "Eve@example.com"}}
		}, "eve@example.com", ""},
		"delegate of one who has decided": {func(s *wire.RequestStatus) {
			s.Approval.Delegates = []wire.StepDelegate{{By: "dave@example.com", To: "eve@example.com"}}
		}, "eve@example.com", "eve@example.com is not eligible"},
		"delegate on their own request": {func(s *wire.RequestStatus) {
			s.Approval.Delegates = []wire.StepDelegate{{By: carol, To: "bob@example.com"}}
		}, "bob@example.com", "bob@example.com is the requester"},
		"their delegate has decided": {func(s *wire.RequestStatus) {
			s.Approval.Decisions[0].OnBehalfOf = carol
		}, carol, "Dave@example.com has decided already for carol@example.com: approve at"},
		"nobody": {func(*wire.RequestStatus) {}, "  ", `"by" is missing`},
		"decided": {
			func(s *wire.RequestStatus) { s.Approval.Verdict = "approved" }, carol,
			"it is decided already: approved, last by Dave@example.com at " + describe.Second(noon),
		},
		"timed out": {func(s *wire.RequestStatus) {
			s.Approval.Verdict, s.Approval.Decisions = "timedOut", nil
		}, carol, "it is decided already: timedOut at " + describe.Second(noon.Add(time.Hour))},
	} {
		s := leadsStatus()
		c.change(&s)
		got := Ineligible(s, c.by, approval.Approve)
		require.Equal(t, c.want == "", got == "", "%s: %s", name, got)
		require.Contains(t, got, c.want, name)
	}
}

// A denial may also come from somebody of a later step.
func TestIneligible_ToDeny(t *testing.T) {
	t.Parallel()
	require.Empty(t, Ineligible(leadsStatus(), erin, approval.Deny))
	require.Contains(t, Ineligible(leadsStatus(), eve, approval.Deny), "is not eligible")
}

func TestApprovers(t *testing.T) {
	t.Parallel()
	s := leadsStatus()
	s.Approval.Delegates = []wire.StepDelegate{
		{By: carol, To: "eve@example.com"}, {By: "dave@example.com", To: "henk@example.com"}, // who has decided
		{By: "frank@example.com", To: "dave@example.com"}, // who has decided too
	}
	state, ok := livestatus.ApprovalOf(s)
	require.True(t, ok)
	require.Equal(t, []string{carol, "frank@example.com", "eve@example.com for carol@example.com"},
		Approvers(state, Delegations(s.Approval)))
}

// Who may approve follows from the status of the workflow.
func TestCanApprove(t *testing.T) {
	t.Parallel()
	plan := *leadsStatus().Plan
	status := func(change func(*wire.RequestStatus)) wire.RequestStatus {
		s := wire.RequestStatus{
			State: wire.StateAwaitingApproval, Requester: "bob@example.com", Plan: &plan,
			Approval: &wire.ApprovalStatus{
				Steps: 2, Need: 2, From: []string{"leads"},
				People: []string{"bob@example.com", carol, dave, "ana@example.com"},
			},
		}
		change(&s)
		return s
	}
	same := func(*wire.RequestStatus) {}
	open := func(s *wire.RequestStatus) { s.Approval.From, s.Approval.People = []string{access.Anyone}, nil }
	for name, c := range map[string]struct {
		change func(*wire.RequestStatus)
		who    string
		want   bool
	}{
		"one of them":                      {same, carol, true},
		"one of them, spelled differently": {same, " CAROL@example.com", true},
		"the requester":                    {same, "Bob@example.com", false},
		"the recipient":                    {same, "ana@example.com", false},
		"a stranger":                       {same, eve, false},
		"nobody":                           {same, " ", false},
		"anyone":                           {open, eve, true},
		"anyone but the requester":         {open, "bob@example.com", false},
		"one who has decided": {func(s *wire.RequestStatus) {
			s.Approval.Decisions = []access.Decision{{By: "Carol@example.com"}}
		}, carol, false},
		"one whose delegate has decided": {func(s *wire.RequestStatus) {
			s.Approval.Decisions = []access.Decision{{By: dave, OnBehalfOf: carol}}
		}, carol, false},
		"decided":         {func(s *wire.RequestStatus) { s.Approval.Verdict = "approved" }, carol, false},
		"no step is left": {func(s *wire.RequestStatus) { s.Approval.Step = 2 }, carol, false},
		"nobody is asked": {func(s *wire.RequestStatus) { s.Approval = nil }, carol, false},
		"without a plan":  {func(s *wire.RequestStatus) { s.Plan = nil }, carol, false},
		"ended":           {func(s *wire.RequestStatus) { s.Result = &wire.RequestResult{} }, carol, false},
		"a review":        {func(s *wire.RequestStatus) { s.State = wire.StateActive }, carol, true},
	} {
		require.Equal(t, c.want, CanApprove(status(c.change), c.who), name)
	}
}
