package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/workflows"
)

// Whose word counts, and why others' does not.
func TestMayNot(t *testing.T) {
	t.Parallel()
	for by, why := range map[string]string{
		carol: "", " CAROL@example.com ": "", "frank@example.com": "",
		"dave@example.com": "you have decided already: approve at " + describe.Second(noon),
		"bob@example.com":  "you have asked for it", "ana@example.com": "you would get it",
		"erin@example.com": "others are asked: it waits for 1 of 2 from leads until",
		"eve@example.com":  "others are asked",
	} {
		got := mayNot(inboxStatus(), by)
		require.Equal(t, why == "", got == "", "%s: %s", by, got)
		require.Contains(t, got, why, by)
	}
	for name, c := range map[string]struct {
		change func(*workflows.RequestStatus)
		by     string
		want   string
	}{
		"anyone": {func(s *workflows.RequestStatus) {
			s.Consent.From, s.Consent.People = []string{access.Anyone}, []string{}
		}, "eve@example.com", ""},
		"anyone but the requester": {func(s *workflows.RequestStatus) {
			s.Consent.From, s.Consent.People = []string{access.Anyone}, []string{}
		}, "BOB@example.com", "you have asked for it"},
		"nobody is not anyone": {func(s *workflows.RequestStatus) {
			s.Consent.People = nil
		}, carol, "others are asked"},
		"planning": {func(s *workflows.RequestStatus) {
			s.Plan, s.Consent = nil, nil
		}, carol, "not made yet"},
		"active": {func(s *workflows.RequestStatus) {
			s.State, s.Consent = workflows.StateActive, nil
		}, carol, "there is nothing to decide: the state is active"},
		"called off": {func(s *workflows.RequestStatus) {
			s.State = workflows.StateReleasing
		}, carol, "there is nothing to decide: the state is releasing"},
		"in review": {func(s *workflows.RequestStatus) {
			s.State, s.Consent.Review = workflows.StateActive, true
		}, carol, ""},
		"in review, over": {func(s *workflows.RequestStatus) {
			s.State, s.Consent.Review = workflows.StateReviewing, true
		}, carol, ""},
		"through all steps": {func(s *workflows.RequestStatus) {
			s.Consent.Step = 2
		}, carol, "there is nothing to decide"},
		"for another": {func(s *workflows.RequestStatus) {
			s.Consent.Delegates = []workflows.Deputy{{By: carol, To: "Eve@example.com"}}
		}, "eve@example.com", ""},
		"for another who has decided": {func(s *workflows.RequestStatus) {
			s.Consent.Delegates = []workflows.Deputy{{By: "dave@example.com", To: "eve@example.com"}}
		}, "eve@example.com", "others are asked"},
		"for another, of the own request": {func(s *workflows.RequestStatus) {
			s.Consent.Delegates = []workflows.Deputy{{By: carol, To: "bob@example.com"}}
		}, "bob@example.com", "you have asked for it"},
		"another has decided for them": {func(s *workflows.RequestStatus) {
			s.Consent.Decisions[0].OnBehalfOf = carol
		}, carol, "Dave@example.com has decided already for you: approve at"},
		"nobody": {func(*workflows.RequestStatus) {}, "  ", "who decides is not known"},
		"decided": {
			func(s *workflows.RequestStatus) { s.Consent.Verdict = "approved" }, carol,
			"it is decided already: approved, last by Dave@example.com at " + describe.Second(noon),
		},
		"timed out": {func(s *workflows.RequestStatus) {
			s.Consent.Verdict, s.Consent.Decisions = "timedOut", nil
		}, carol, "it is decided already: timedOut at " + describe.Second(noon.Add(time.Hour))},
	} {
		s := inboxStatus()
		c.change(&s)
		got := mayNot(s, c.by)
		require.Equal(t, c.want == "", got == "", "%s: %s", name, got)
		require.Contains(t, got, c.want, name)
	}
}

// What a decision would count for is said before it is taken.
func TestWeight(t *testing.T) {
	t.Parallel()
	waits := ", which waits for 1 of 2 from leads until " + describe.Second(noon.Add(time.Hour))
	s := inboxStatus()
	s.Consent.Delegates = []workflows.Deputy{{By: carol, To: "eve@example.com", Until: noon}}
	is := func(by, want string) {
		t.Helper()
		require.Equal(t, want, deciding{in: workflows.DecisionInput{By: by}}.weight(s))
	}
	is(carol, "counts for step 1 of 2"+waits)
	is("eve@example.com", "counts for carol@example.com, who handed their decisions to you until "+
		describe.Second(noon)+", in step 1 of 2"+waits)
	is("erin@example.com", "may not count: others are asked: it waits"+waits[len(", which waits"):])
	is("bob@example.com", "does not count: you have asked for it: the requester does not decide")
	s.State, s.Consent.Review = workflows.StateReviewing, true
	is(carol, "counts for the review"+waits)
	s.Consent.Verdict = "denied"
	is(carol, "comes too late: it is decided already: denied, last by Dave@example.com at "+describe.Second(noon))
}

func TestStillAsked(t *testing.T) {
	t.Parallel()
	c := inboxStatus().Consent
	deputies := []workflows.Deputy{
		{By: carol, To: "eve@example.com"}, {By: "dave@example.com", To: "henk@example.com"}, // who has decided
		{By: "frank@example.com", To: "dave@example.com"}, // who has no more word
	}
	require.Equal(t, []string{carol, "frank@example.com", "eve@example.com for carol@example.com"},
		stillAsked(c.People, deputies, c.Decisions))
}
