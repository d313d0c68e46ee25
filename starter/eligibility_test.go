package main

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
		"dave@example.com": "dave@example.com has decided already: approve at " + rfc3339(noon),
		"bob@example.com":  "bob@example.com is the requester", "ana@example.com": "ana@example.com is the recipient",
		"erin@example.com": "erin@example.com is not eligible to decide: it is pending for 1 of 2 from leads until",
		"eve@example.com":  "eve@example.com is not eligible",
	} {
		got := ineligible(inboxStatus(), by, approval.Approve)
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
		"nobody is not anyone": {func(s *wire.RequestStatus) {
			s.Approval.People = nil
		}, carol, "carol@example.com is not eligible"},
		"planning": {func(s *wire.RequestStatus) {
			s.Plan, s.Approval = nil, nil
		}, carol, "not made yet"},
		"active": {func(s *wire.RequestStatus) {
			s.State, s.Approval = wire.StateActive, nil
		}, carol, "there is nothing to decide: the state is active"},
		"called off": {func(s *wire.RequestStatus) {
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
		"for another": {func(s *wire.RequestStatus) {
			s.Approval.Delegates = []wire.StepDelegate{{By: carol, To: "Eve@example.com"}}
		}, "eve@example.com", ""},
		"for another who has decided": {func(s *wire.RequestStatus) {
			s.Approval.Delegates = []wire.StepDelegate{{By: "dave@example.com", To: "eve@example.com"}}
		}, "eve@example.com", "eve@example.com is not eligible"},
		"for another, of the own request": {func(s *wire.RequestStatus) {
			s.Approval.Delegates = []wire.StepDelegate{{By: carol, To: "bob@example.com"}}
		}, "bob@example.com", "bob@example.com is the requester"},
		"another has decided for them": {func(s *wire.RequestStatus) {
			s.Approval.Decisions[0].OnBehalfOf = carol
		}, carol, "Dave@example.com has decided already for carol@example.com: approve at"},
		"nobody": {func(*wire.RequestStatus) {}, "  ", `"by" is missing`},
		"decided": {
			func(s *wire.RequestStatus) { s.Approval.Verdict = "approved" }, carol,
			"it is decided already: approved, last by Dave@example.com at " + rfc3339(noon),
		},
		"timed out": {func(s *wire.RequestStatus) {
			s.Approval.Verdict, s.Approval.Decisions = "timedOut", nil
		}, carol, "it is decided already: timedOut at " + rfc3339(noon.Add(time.Hour))},
	} {
		s := inboxStatus()
		c.change(&s)
		got := ineligible(s, c.by, approval.Approve)
		require.Equal(t, c.want == "", got == "", "%s: %s", name, got)
		require.Contains(t, got, c.want, name)
	}
}

// A denial may also come from somebody of a later step.
func TestIneligible_ToDeny(t *testing.T) {
	t.Parallel()
	require.Empty(t, ineligible(inboxStatus(), erin, approval.Deny))
	require.Contains(t, ineligible(inboxStatus(), eve, approval.Deny), "is not eligible")
}

func rfc3339(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// What a decision would count toward is said before it is taken.
func TestWeight(t *testing.T) {
	t.Parallel()
	until := describe.Second(noon.Add(time.Hour))
	needs := " (needs 1 more approval, from leads, until " + until + ")"
	s := inboxStatus()
	s.Approval.Delegates = []wire.StepDelegate{{By: carol, To: "eve@example.com", Until: noon}}
	is := func(by, want string) {
		t.Helper()
		require.Equal(t, want,
			pendingDecision{action: approval.Approve, in: wire.DecisionInput{By: by}}.weight(s))
	}
	is(carol, "counts toward step 1 of 2"+needs)
	is("eve@example.com", "counts toward step 1 of 2"+needs+", in the place of carol@example.com, "+
		"whose delegation to you ends at "+describe.Second(noon))
	is("erin@example.com", "may not count: erin@example.com is not eligible to decide: "+
		"it is pending for 1 of 2 from leads until "+rfc3339(noon.Add(time.Hour)))
	is("bob@example.com", "does not count: bob@example.com is the requester: "+
		"requesters do not decide on their own requests")
	s.State, s.Approval.Review = wire.StateAwaitingReview, true
	is(carol, "counts toward the review"+needs)
	s.Approval.Verdict = "denied"
	is(carol, "comes too late: it is decided already: denied, last by Dave@example.com at "+rfc3339(noon))
}

func TestPendingPeople(t *testing.T) {
	t.Parallel()
	s := inboxStatus()
	s.Approval.Delegates = []wire.StepDelegate{
		{By: carol, To: "eve@example.com"}, {By: "dave@example.com", To: "henk@example.com"}, // who has decided
		{By: "frank@example.com", To: "dave@example.com"}, // who has decided too
	}
	state, ok := livestatus.ApprovalOf(s)
	require.True(t, ok)
	require.Equal(t, []string{carol, "frank@example.com", "eve@example.com for carol@example.com"},
		pendingPeople(state, delegationsOf(s.Approval)))
}
