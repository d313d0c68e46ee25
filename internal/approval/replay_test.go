package approval_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// asRecorded is a decision as an old record has it, which does not say when people were
// asked.
func asRecorded(d access.Decision) access.Decision {
	d.AskedAt = time.Time{}
	return d
}

// A record says why each decision that does not count does not.
func TestReplay_NotCounted(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(2, carol, dave), stepOf(1, erin))
	other := decide(s, after(time.Minute), approval.Approve, dave)
	other.PlanHash = "another"
	late := decide(s, after(11*time.Hour), approval.Approve, dave)
	got := approval.Replay(s, []access.Decision{
		late,
		decide(s, after(3*time.Minute), approval.Approve, carol), // out of order
		other,
		decide(s, after(2*time.Minute), approval.Approve, bob),
		decide(s, after(4*time.Minute), approval.Approve, carol),
	})
	require.Len(t, got.State.Decisions, 1)
	reasons := make([]approval.Reason, len(got.NotCounted))
	for i, n := range got.NotCounted {
		reasons[i] = n.Refusal.Reason
	}
	require.Equal(t, []approval.Reason{
		approval.OtherPlan, approval.IsRequester, approval.DecidedBefore, approval.TooLate,
	}, reasons)
	require.Equal(t, "bob@example.com is the requester: requesters do not decide on their own requests; "+
		"carol@example.com has decided already: approve at 2026-03-10 12:03:00 UTC; "+
		"it is too late to decide: the deadline was 2026-03-10 22:00:00 UTC", got.NotCountedText())
}

// Without the moment at which people were asked, a decision is not held against the
// deadline, unless the caller knows it; what a decision says of it makes it exact.
func TestReplay_Deadline(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(1, carol))
	late := decide(s, after(11*time.Hour), approval.Approve, carol)
	inTime := late
	inTime.CameAt = after(9 * time.Hour)
	future := inTime
	future.At, future.CameAt = after(9*time.Hour), after(12*time.Hour)
	unknown := s
	unknown.Deadline = time.Time{}
	earlier := approval.Of(planOf(stepOf(1, carol)), noon.Add(-5*time.Hour)) // requested
	for name, c := range map[string]struct {
		state   approval.State
		d       access.Decision
		verdict approval.Verdict
	}{
		"late":                  {s, late, ""},
		"late, by what it says": {unknown, late, ""},
		"late, after it says":   {unknown, future, ""},
		"it came in time":       {s, inTime, approval.Approved},
		"nothing is known":      {unknown, asRecorded(late), approval.Approved},
		"the caller knows":      {s, asRecorded(late), ""},
		"asked later than requested": {
			earlier, decide(s, after(9*time.Hour), approval.Approve, carol), approval.Approved,
		},
		"asked before it was requested": {approval.Of(planOf(stepOf(1, carol)), after(time.Hour)), inTime, ""},
		"without the time of the request": {
			approval.Of(planOf(stepOf(1, carol)), time.Time{}), inTime, approval.Approved,
		},
	} {
		require.Equal(t, c.verdict, approval.Replay(c.state, []access.Decision{c.d}).State.Verdict, name)
	}
}

// A plan that was put to people twice counts as it was the last time.
func TestReplay_LastRound(t *testing.T) {
	t.Parallel()
	first := opened(stepOf(1, carol, dave), stepOf(1, carol))
	second := approval.Of(planOf(stepOf(1, carol, dave), stepOf(1, carol)), after(time.Hour))
	record := []access.Decision{decide(first, after(time.Minute), approval.Approve, carol)}
	for _, by := range []string{dave, carol} {
		d := decide(second, after(2*time.Hour), approval.Approve, by)
		record, second = append(record, d), second.Record(d)
	}
	got := approval.Replay(first, record)
	require.Equal(t, approval.Approved, got.State.Verdict)
	require.Equal(t, []string{dave, carol}, got.State.Approvers())
	require.Equal(t, approval.OtherRound, got.NotCounted[0].Refusal.Reason)
	require.NotEqual(t, approval.Approved, approval.Replay(first, record[:2]).State.Verdict)
}

// Escalation in a record: those escalated to count from then on, at the earliest.
func TestReplay_Escalated(t *testing.T) {
	t.Parallel()
	s := escalating(stepOf(1, carol))
	for at, want := range map[time.Duration]approval.Verdict{
		time.Hour - 1: "", time.Hour: approval.Approved, 2 * time.Hour: approval.Approved,
	} {
		d := access.Decision{At: after(at), By: dave, Action: approval.Approve}
		require.Equal(t, want, approval.Replay(s, []access.Decision{d}).State.Verdict, at)
	}
}

// The same people say the same to another policy.
func TestWhatIf(t *testing.T) {
	t.Parallel()
	before := opened(stepOf(1, carol), stepOf(1, dave))
	record := before.Record(decide(before, after(time.Minute), approval.Approve, carol))
	second := decide(record, after(2*time.Minute), approval.Approve, frank)
	handed := delegation(dave, frank)
	second.OnBehalfOf, second.Delegation = dave, &handed
	decisions := append(record.Decisions, second)
	require.Equal(t, approval.Approved, approval.WhatIf(opened(stepOf(2, carol, dave)), decisions).State.Verdict)
	got := approval.WhatIf(opened(stepOf(1, frank), stepOf(1, dave)), decisions)
	require.Equal(t, []string{frank}, got.State.Approvers(), "in their own name")
	require.Len(t, got.NotCounted, 1)
}

// A state goes through JSON and back.
func TestState_JSON(t *testing.T) {
	t.Parallel()
	s, _ := escalating(stepOf(2, carol), anyone(1)).OnTimer(after(time.Hour))
	s = approvedBy(s, dave)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var back approval.State
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, s, back)
}

func TestPending(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(2, carol, dave), stepOf(1, erin))
	require.Equal(t, "for 2 of 2 from leads until 2026-03-10 22:00:00 UTC", s.Pending())
	require.Equal(t, "for 1 of 2 from leads until 2026-03-10 22:00:00 UTC", approvedBy(s, carol).Pending())
	review := approval.Of(reviewed(stepOf(1, carol)), noon)
	require.Equal(t, "for review by 1 of 1 from leads until 2026-03-10 16:00:00 UTC", review.Pending())
	require.Empty(t, approvedBy(review, carol).Pending())
	step, ok := approvedBy(s, carol).OpenStep()
	require.True(t, ok)
	require.Equal(t, approval.Step{
		Of: 2, Need: 2, Given: 1, Groups: []string{"leads"}, People: []string{carol, dave},
	}, step)
}

func TestVerdictText(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(1, carol))
	no := decide(s, noon, approval.Deny, carol)
	no.Comment = "not needed"
	late, _ := s.OnTimer(after(10 * time.Hour))
	for want, got := range map[string]approval.State{
		"":                              s,
		"approved by carol@example.com": approvedBy(s, carol),
		"approved":                      approval.New(approval.Request{}, access.Approval{}, noon),
		"denied by carol@example.com: not needed":                       s.Record(no),
		"not decided in time: the deadline was 2026-03-10 22:00:00 UTC": late,
	} {
		require.Equal(t, want, got.VerdictText())
	}
}
