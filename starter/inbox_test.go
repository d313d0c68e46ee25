//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/inbox"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/workflows"
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

// inboxStatus is a request that asks two leads, of whom dave has agreed.
func inboxStatus() workflows.RequestStatus {
	plan := access.Plan{
		Op: access.OpAcquire, Console: host,
		Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "2", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"},
		Terms: access.Terms{
			Requester: "bob@example.com", Reason: "INC-42", Duration: access.Duration(4 * time.Hour),
		},
		Before: access.Holdings{Level: access.SiteLevel, Held: []access.Held{{RoleID: "1", ScopeID: "9"}}},
		After:  access.Holdings{Level: access.SiteLevel, Held: []access.Held{{RoleID: "2", ScopeID: "9"}}},
		Notes:  []string{"one role a site"},
		Approval: access.Approval{Required: true, Policy: "two leads, then the ciso", Steps: []access.ApprovalStep{
			{Need: 2, Groups: []string{"leads"}, People: []string{carol, "dave@example.com"}},
			{Need: 1, Groups: []string{"ciso"}, People: []string{"erin@example.com"}},
		}},
	}.Seal()
	return workflows.RequestStatus{
		State: workflows.StateAwaiting, Request: "grant/INC-42", Run: "r1", Requester: "bob@example.com",
		StartedAt: noon, Waiting: "for 1 of 2 from leads", Plan: &plan, Consent: &workflows.ConsentStatus{
			Steps: 2, Need: 2, Given: 1, From: []string{"leads"}, Until: noon.Add(time.Hour),
			People: []string{carol, "dave@example.com", "frank@example.com"}, // escalated to frank
			Decisions: []access.Decision{{
				At: noon, By: "Dave@example.com", Action: "approve", Duration: access.Duration(2 * time.Hour),
				Signed: access.Unsigned,
			}},
		},
	}
}

func TestDesk_WhoMayDecide(t *testing.T) {
	for by, why := range map[string]string{
		carol: "", " CAROL@example.com ": "", "frank@example.com": "",
		"dave@example.com": "you have decided already: approve at " + instant(noon),
		"bob@example.com":  "you have asked for it", "ana@example.com": "you would get it",
		"erin@example.com": "others are asked: it waits for 1 of 2 from leads", "eve@example.com": "others are asked",
	} {
		got := deskMayNot(inboxStatus(), by)
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
		"decided": {
			func(s *workflows.RequestStatus) { s.Consent.Verdict = "approved" }, carol,
			"it is decided already: approved, last by Dave@example.com at " + instant(noon),
		},
		"timed out": {func(s *workflows.RequestStatus) {
			s.Consent.Verdict, s.Consent.Decisions = "timedOut", nil
		}, carol, "it is decided already: timedOut at " + instant(noon.Add(time.Hour))},
	} {
		s := inboxStatus()
		c.change(&s)
		got := deskMayNot(s, c.by)
		require.Equal(t, c.want == "", got == "", "%s: %s", name, got)
		require.Contains(t, got, c.want, name)
	}
}

func TestDesk_Sheet(t *testing.T) {
	d := &desk{by: carol}
	s := inboxStatus()
	got := d.sheet(s)
	require.Equal(t, inbox.Item{
		ID: "grant/INC-42", What: "give user ana@example.com (7) role SOC (2) at site Acme / Berlin (9), for 4h",
		Requester: "bob@example.com", Reason: "INC-42", Given: 1, Need: 2, Until: noon.Add(time.Hour),
	}, got.Item)
	require.Equal(t, "give ana@example.com SOC for 4h at Acme / Berlin", d.item(s).What)
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
	require.Equal(t, []inbox.Said{
		{At: noon, By: "Dave@example.com", Action: "approve", Narrowed: "for 2h", Signed: access.Unsigned},
	}, got.Decisions)

	s.Plan.Op = access.OpRevoke
	require.False(t, d.sheet(s).Shortens, "what is taken away is for no time")
	s.Plan, s.Consent, s.State = nil, nil, workflows.StatePlanning
	require.Equal(t, "the plan is not made yet", d.sheet(s).Closed)
}

func TestDesk_SheetOfEnded(t *testing.T) {
	d := &desk{by: carol}
	s := inboxStatus()
	receipt := access.Receipt{Plan: *s.Plan, State: workflows.StateDenied, Decisions: append(s.Consent.Decisions,
		access.Decision{At: noon.Add(time.Minute), By: "frank@example.com", Action: "deny"})}
	got := d.sheetOfEnded("grant/INC-42", glimpse{over: true, result: &workflows.RequestResult{
		State: workflows.StateDenied, Message: "denied by frank@example.com", Receipt: &receipt,
	}})
	require.Equal(t, "it has ended: denied; last decided by frank@example.com (deny) at "+
		instant(noon.Add(time.Minute)), got.Closed)
	require.Len(t, got.Decisions, 2)
	require.False(t, got.Steps[0].Open)
	got = d.sheetOfEnded("grant/INC-42", glimpse{over: true, result: &workflows.RequestResult{
		State: workflows.StateCancelled, Message: "cancelled by bob@example.com",
	}})
	require.Equal(t, "it has ended: cancelled: cancelled by bob@example.com", got.Closed)
}

// A request that is in force and asks nobody is asked about itself once a minute only.
func TestDesk_LeavesResting(t *testing.T) {
	now := noon
	d := &desk{by: carol, p: &program{now: func() time.Time { return now }}, seen: map[string]deskLook{}}
	run := started{WorkflowID: "grant/1", RunID: "r"}
	require.True(t, d.due(run), "it was never asked")
	s := inboxStatus()
	d.seen[deskKey(run)] = deskLook{at: now, status: s}
	require.True(t, d.due(run), "people are asked")
	s.State, s.Consent = workflows.StateActive, nil
	d.seen[deskKey(run)] = deskLook{at: now, status: s}
	require.False(t, d.due(run))
	now = now.Add(restingLook)
	require.True(t, d.due(run))
	now = noon
	d.seen[deskKey(run)] = deskLook{at: now, status: s, failed: true}
	require.True(t, d.due(run), "it did not answer")

	require.Len(t, d.known([]started{run}), 1)
	require.Empty(t, d.known(nil), "what has ended is forgotten")
	require.True(t, d.due(run))
}

func TestPen(t *testing.T) {
	p, _ := decider(t)
	t.Setenv("SSH_AUTH_SOCK", "")
	statement := signing.OfDecision("grant/1", "r1", inboxStatus().Plan.Hash,
		access.Decision{By: carol, Action: "approve"})

	w, err := p.newPen(t.Context(), signOptions{}, carol)
	require.NoError(t, err)
	require.Contains(t, w.note, "not signed: no ssh-agent is running here")
	_, signature, err := w.sign(t.Context(), statement)
	require.NoError(t, err)
	require.Empty(t, signature)

	p.cfg.Signing.Allowed = "signers"
	_, err = p.newPen(t.Context(), signOptions{}, carol)
	require.ErrorContains(t, err, "a signature is needed")
	require.Equal(t, exitUsage, exitCode(marked(err)))

	path := newIdentity(t).save(t)
	w, err = p.newPen(t.Context(), signOptions{key: path}, carol)
	require.NoError(t, err)
	require.Empty(t, w.note)
	signed, signature, err := w.sign(t.Context(), statement)
	require.NoError(t, err)
	require.Contains(t, signature, "BEGIN SSH SIGNATURE")
	require.False(t, signed.At.IsZero())

	// Once it signs it does not stop signing in silence, and it never asks again.
	require.NoError(t, os.Remove(path))
	_, _, err = w.sign(t.Context(), statement)
	require.Error(t, err)
	i := newIdentity(t)
	require.NoError(t, os.WriteFile(path, i.PEM(t, "secret"), 0o600))
	_, _, err = w.sign(t.Context(), statement)
	require.ErrorContains(t, err, "start the inbox again")

	socket := serveAgent(t, map[string]identity{carol: i})
	t.Setenv("SSH_AUTH_SOCK", socket)
	w, err = p.newPen(t.Context(), signOptions{}, carol)
	require.NoError(t, err)
	require.NoError(t, os.Remove(socket))
	_, _, err = w.sign(t.Context(), statement)
	require.ErrorContains(t, err, "ssh-agent", "the agent is gone: that is no reason to send it unsigned")
}
