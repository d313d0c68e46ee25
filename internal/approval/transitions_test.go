package approval_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// The table of transitions, as in the documentation of the package: state, input, state
// afterwards.
func TestTransitions(t *testing.T) {
	t.Parallel()
	type state struct {
		step    int
		verdict approval.Verdict
	}
	is := func(s approval.State) state { return state{s.Step, s.Verdict} }
	two := opened(stepOf(2, carol, dave), stepOf(1, erin))
	half := approvedBy(two, carol)
	second := approvedBy(half, dave)
	done := approvedBy(second, erin)
	refused := two.Record(decide(two, noon, approval.Deny, erin))
	late, _ := two.OnTimer(after(10 * time.Hour))
	for name, c := range map[string]struct {
		got  approval.State
		want state
	}{
		"opened":                           {two, state{0, ""}},
		"approved, the step needs more":    {half, state{0, ""}},
		"approved, the step is complete":   {second, state{1, ""}},
		"approved, all steps are complete": {done, state{2, approval.Approved}},
		"denied by a later step":           {refused, state{0, approval.Denied}},
		"denied after an approval": {
			half.Record(decide(half, noon, approval.Deny, dave)), state{0, approval.Denied},
		},
		"timed out":               {late, state{0, approval.TimedOut}},
		"approved after approval": {approvedBy(done, frank), state{2, approval.Approved}},
		"denied after approval": {
			done.Record(decide(done, noon, approval.Deny, frank)), state{2, approval.Approved},
		},
		"approved after a denial":     {approvedBy(refused, carol), state{0, approval.Denied}},
		"approved after the deadline": {approvedBy(late, carol), state{0, approval.TimedOut}},
		"nobody is asked": {
			approval.New(approval.Request{}, access.Approval{}, noon), state{0, approval.Approved},
		},
		"required, of nobody": {
			approval.New(approval.Request{}, access.Approval{Required: true}, noon), state{0, ""},
		},
		"required, of nobody, approved": {approvedBy(opened(), carol), state{0, ""}},
		"a review":                      {approval.Of(reviewed(stepOf(1, carol)), noon), state{0, ""}},
		"a review, approved": {
			approvedBy(approval.Of(reviewed(stepOf(1, carol)), noon), carol), state{1, approval.Approved},
		},
	} {
		require.Equal(t, c.want, is(c.got), name)
	}
	require.Len(t, done.Decisions, 3, "what is decided takes no more decisions")
	require.Empty(t, two.Decisions, "a transition changes a copy")
}

// What the timer does exactly at, before and after the deadline and the escalation.
func TestOnTimer(t *testing.T) {
	t.Parallel()
	plain, escalates := opened(stepOf(1, carol)), escalating(stepOf(1, carol))
	for name, c := range map[string]struct {
		state     approval.State
		at        time.Duration
		event     approval.Event
		verdict   approval.Verdict
		escalated bool
	}{
		"before the deadline":     {plain, 10*time.Hour - 1, approval.EventReminder, "", false},
		"at the deadline":         {plain, 10 * time.Hour, approval.EventTimedOut, approval.TimedOut, false},
		"after the deadline":      {plain, 10*time.Hour + 1, approval.EventTimedOut, approval.TimedOut, false},
		"before the escalation":   {escalates, time.Hour - 1, approval.EventReminder, "", false},
		"at the escalation":       {escalates, time.Hour, approval.EventEscalated, "", true},
		"after the escalation":    {escalates, time.Hour + 1, approval.EventEscalated, "", true},
		"deadline before all":     {escalates, 10 * time.Hour, approval.EventTimedOut, approval.TimedOut, false},
		"it asks anyone":          {escalating(anyone(1)), time.Hour, approval.EventReminder, "", true},
		"it asks the same people": {escalating(stepOf(1, dave, erin)), time.Hour, approval.EventReminder, "", true},
		"a later step asks more": {
			escalating(anyone(1), stepOf(1, carol)), time.Hour, approval.EventEscalated, "", true,
		},
		"it is decided": {
			approvedBy(plain, carol), 11 * time.Hour, approval.EventNone, approval.Approved, false,
		},
		"at the deadline of a review": {
			approval.Of(reviewed(stepOf(1, carol)), noon), 4 * time.Hour,
			approval.EventTimedOut, approval.TimedOut, false,
		},
	} {
		got, event := c.state.OnTimer(after(c.at))
		require.Equal(t, c.event, event, name)
		require.Equal(t, c.verdict, got.Verdict, name)
		require.Equal(t, c.escalated, !got.EscalatedAt.IsZero(), name)
	}
	once, _ := escalates.OnTimer(after(time.Hour))
	twice, event := once.OnTimer(after(2 * time.Hour))
	require.Equal(t, approval.EventReminder, event, "it is escalated once")
	require.Equal(t, after(time.Hour), twice.EscalatedAt)
}

// What is due next: reminders every so often from when people were asked, the escalation,
// the last reminder of a review, and the deadline.
func TestNextTimer(t *testing.T) {
	t.Parallel()
	p := planOf(stepOf(1, carol))
	p.Approval.RemindEvery, p.Approval.EscalateAfter = access.Duration(4*time.Hour), access.Duration(6*time.Hour)
	p.Approval.EscalateTo = []string{dave}
	s := approval.Of(p, noon)
	for _, c := range []struct{ now, next time.Duration }{
		{0, 4 * time.Hour},
		{4*time.Hour - 1, 4 * time.Hour},
		{4 * time.Hour, 6 * time.Hour},
		{7 * time.Hour, 6 * time.Hour}, // it is overdue
	} {
		require.Equal(t, after(c.next), s.NextTimer(after(c.now)), c.now)
	}
	escalated, _ := s.OnTimer(after(7 * time.Hour))
	require.Equal(t, after(8*time.Hour), escalated.NextTimer(after(7*time.Hour)))
	require.Equal(t, after(10*time.Hour), escalated.NextTimer(after(9*time.Hour)))
	require.Zero(t, approvedBy(s, carol).NextTimer(noon), "nothing is due once it is decided")

	review := approval.Of(reviewed(stepOf(1, carol)), noon)
	require.Equal(t, after(3*time.Hour+30*time.Minute), review.NextTimer(noon), "an eighth before the deadline")
	require.Equal(t, after(4*time.Hour), review.NextTimer(after(3*time.Hour+30*time.Minute)))
	long := reviewed(stepOf(1, carol))
	long.Approval.Review.Within = access.Duration(240 * time.Hour)
	require.Equal(t, after(216*time.Hour), approval.Of(long, noon).NextTimer(noon), "a day before at the most")
}
