//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

func TestInbox_NeedsATerminal(t *testing.T) {
	environ(t, map[string]string{"TERM": "xterm"})
	for _, args := range [][]string{{"inbox"}, {"inbox", "-o", "json"}, {"inbox", "--by", ""}} {
		got := run(t, args...)
		require.Equal(t, exitUsage, got.code, args)
		require.Contains(t, got.errOut, "use `starter requests --waiting-for me`", args)
		require.Empty(t, got.out)
	}
}

// inboxStatus returns a request that needs two leads, of whom dave has approved.
func inboxStatus() wire.RequestStatus {
	plan := access.Plan{
		Op: access.OpAcquire, Console: host,
		Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "2", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"},
		Terms: access.Terms{
			Requester: "bob@example.com", Reason: "INC-42", Duration: access.Duration(4 * time.Hour),
		},
		Before: access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "1", ScopeID: "9"}}},
		After:  access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "2", ScopeID: "9"}}},
		Notes:  []string{"one role a site"},
		Approval: access.Approval{Required: true, Policy: "two leads, then the ciso", Steps: []access.ApprovalStep{
			{Need: 2, Groups: []string{"leads"}, People: []string{carol, "dave@example.com"}},
			{Need: 1, Groups: []string{"ciso"}, People: []string{"erin@example.com"}},
		}},
	}.Seal()
	return wire.RequestStatus{
		State: wire.StateAwaitingApproval, Request: "grant/INC-42", Run: "r1", Requester: "bob@example.com",
		StartedAt: noon, Waiting: "for 1 of 2 from leads", Plan: &plan, Approval: &wire.ApprovalStatus{
			Steps: 2, Need: 2, Given: 1, From: []string{"leads"}, Until: noon.Add(time.Hour),
			People: []string{carol, "dave@example.com", "frank@example.com"}, // escalated to frank
			Decisions: []access.Decision{{
				At: noon, By: "Dave@example.com", Action: "approve", Duration: access.Duration(2 * time.Hour),
				Signed: access.Unsigned,
			}},
		},
	}
}

func TestInboxBackend_Detail(t *testing.T) {
	d := &inboxBackend{by: carol}
	s := inboxStatus()
	got := d.detail(s)
	require.Equal(t, inbox.Item{
		ID: "grant/INC-42", Summary: "grant user ana@example.com (7) role SOC (2) at site Acme / Berlin (9), for 4h",
		Requester: "bob@example.com", Reason: "INC-42", Given: 1, Need: 2, Until: noon.Add(time.Hour),
	}, got.Item)
	require.Equal(t, "grant ana@example.com SOC for 4h at Acme / Berlin", d.item(s).Summary)
	require.Empty(t, got.Closed)
	require.Equal(t, s.Plan.Hash, got.Plan)
	require.True(t, got.Shortens)
	require.Equal(t, 2*time.Hour, got.Length, "dave has shortened it")
	require.Equal(t, []string{"1 at site Acme / Berlin (9)"}, got.Before)
	require.Equal(t, []string{"SOC (2) at site Acme / Berlin (9)"}, got.After)
	require.Contains(t, got.Facts, inbox.Fact{Name: "loses", Text: "1 at site Acme / Berlin (9)", Warns: true})
	require.Contains(t, got.Facts, inbox.Fact{Name: "note", Text: "one role a site", Warns: true})
	require.Contains(t, got.Facts, inbox.Fact{Name: "approval", Text: "two leads, then the ciso"})
	require.Equal(t, []inbox.Step{
		{Need: 2, Given: 1, Groups: []string{"leads"}, People: []string{carol, "frank@example.com"}, Open: true},
		{Need: 1, Groups: []string{"ciso"}, People: []string{"erin@example.com"}},
	}, got.Steps)
	require.Equal(t, []inbox.DecisionRecord{
		{At: noon, By: "Dave@example.com", Action: "approve", Narrowed: "for 2h", Signed: access.Unsigned},
	}, got.Decisions)

	// Frank decides for carol, but not for dave, who has decided.
	s.Approval.People = []string{carol, "dave@example.com"}
	s.Approval.Delegates = []wire.StepDelegate{
		{By: "dave@example.com", To: "frank@example.com", Until: noon},
		{By: carol, To: "Frank@example.com", Until: noon},
	}
	got = (&inboxBackend{by: "frank@example.com"}).detail(s)
	require.Empty(t, got.Closed)
	require.Equal(t, []string{carol, "Frank@example.com for carol@example.com"}, got.Steps[0].People)
	require.Contains(t, got.Facts, inbox.Fact{
		Name: "for", Text: "carol@example.com, who delegated their decisions to you until " + describe.Second(noon),
	})
	require.NotContains(t, d.detail(s).Facts, "for", "carol decides for herself")

	s.Plan.Op = access.OpRevoke
	require.False(t, d.detail(s).Shortens, "a revocation has no duration")
	s.Plan, s.Approval, s.State = nil, nil, wire.StatePlanning
	require.Equal(t, "the plan is not made yet: the state is planning, for 1 of 2 from leads", d.detail(s).Closed)
}

func TestInboxBackend_DetailOfEnded(t *testing.T) {
	d := &inboxBackend{by: carol}
	s := inboxStatus()
	receipt := access.Receipt{Plan: *s.Plan, State: wire.StateDenied, Decisions: append(s.Approval.Decisions,
		access.Decision{At: noon.Add(time.Minute), By: "frank@example.com", Action: "deny"})}
	got := d.endedDetail("grant/INC-42", requestrecord.Observation{Over: true, Result: &wire.RequestResult{
		State: wire.StateDenied, Message: "denied by frank@example.com", Receipt: &receipt,
	}})
	require.Equal(t, "it has ended: denied; last decided by frank@example.com (deny) at "+
		describe.Second(noon.Add(time.Minute)), got.Closed)
	require.Len(t, got.Decisions, 2)
	require.False(t, got.Steps[0].Open)
	got = d.endedDetail("grant/INC-42", requestrecord.Observation{Over: true, Result: &wire.RequestResult{
		State: wire.StateCancelled, Message: "cancelled by bob@example.com",
	}})
	require.Equal(t, "it has ended: cancelled: cancelled by bob@example.com", got.Closed)
}

// What started at once is in the list and on the detail as such, whether it is still in
// force or not, and nothing of it can be shortened.
func TestInboxBackend_Review(t *testing.T) {
	d := &inboxBackend{by: carol}
	s := inboxStatus()
	s.Plan.Approval.Steps = nil
	s.Plan.Approval.Review = &access.Review{ApprovalStep: access.ApprovalStep{Need: 1, Groups: []string{"leads"}}}
	s.Approval = &wire.ApprovalStatus{
		Steps: 1, Need: 1, From: []string{"leads"}, People: []string{carol}, Until: noon.Add(time.Hour), Review: true,
	}
	for state, want := range map[string]string{
		wire.StateActive:         "active: approving keeps the role",
		wire.StateAwaitingReview: "ended: the role is removed",
	} {
		s.State = state
		require.True(t, d.item(s).Review)
		got := d.detail(s)
		require.Empty(t, got.Closed)
		require.Equal(t, "review", got.Facts[0].Name)
		require.True(t, got.Facts[0].Warns)
		require.Contains(t, got.Facts[0].Text, want)
		require.False(t, got.Shortens)
		require.Equal(t, []inbox.Step{
			{Need: 1, Groups: []string{"leads"}, People: []string{carol}, Open: true},
		}, got.Steps)
	}
	s.Approval.Verdict = "approved"
	got := d.detail(s)
	require.Contains(t, got.Closed, "it is decided already: approved")
	for _, f := range got.Facts {
		require.NotEqual(t, "review", f.Name)
	}
}
