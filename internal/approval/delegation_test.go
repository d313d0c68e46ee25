package approval_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// A delegate decides for a delegator who is eligible and has not decided, and for nobody
// else; delegations do not chain.
func TestEligibility_Delegated(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(2, carol, dave), stepOf(1, erin))
	over := delegation(carol, frank)
	over.Until = after(30 * time.Minute)
	for name, c := range map[string]struct {
		state  approval.State
		all    []access.Delegation
		action string
		want   string // the delegator; "" if frank is not eligible
	}{
		"of nobody": {s, nil, approval.Approve, ""},
		"of one of the step": {
			s, []access.Delegation{delegation(" CAROL@example.com", "Frank@example.com")}, approval.Approve, carol,
		},
		"of two, in the order of them": {
			s, []access.Delegation{delegation(dave, frank), delegation(carol, frank)}, approval.Approve, carol,
		},
		"of who has decided": {
			approvedBy(s, carol), []access.Delegation{delegation(carol, frank)}, approval.Approve, "",
		},
		"of a later step":          {s, []access.Delegation{delegation(erin, frank)}, approval.Approve, ""},
		"of a later step, to deny": {s, []access.Delegation{delegation(erin, frank)}, approval.Deny, erin},
		"of the requester": {
			opened(stepOf(1, carol, bob)), []access.Delegation{delegation(bob, frank)}, approval.Approve, "",
		},
		"of the recipient": {
			opened(stepOf(1, carol, ana)), []access.Delegation{delegation(ana, frank)}, approval.Approve, "",
		},
		"of somebody else": {
			s, []access.Delegation{delegation("gina@example.com", frank)}, approval.Approve, "",
		},
		"by way of another": {
			s, []access.Delegation{delegation(carol, erin), delegation(erin, frank)}, approval.Approve, "",
		},
		"to somebody else": {s, []access.Delegation{delegation(carol, erin)}, approval.Approve, ""},
		"over":             {s, []access.Delegation{over}, approval.Approve, ""},
	} {
		got := c.state.Eligibility(frank, c.action, after(time.Hour), c.all...)
		require.Equal(t, c.want != "", got.Eligible, name)
		if c.want != "" {
			require.Equal(t, c.want, access.Fold(got.Delegation.By), name)
		}
	}
	for _, never := range []string{ana, bob} {
		require.False(t, s.Eligibility(never, approval.Approve, noon, delegation(carol, never)).Eligible, never)
	}
	own := s.Eligibility(dave, approval.Approve, noon, delegation(carol, dave))
	require.Nil(t, own.Delegation, "somebody who is eligible decides in their own name")
	require.True(t, s.Eligibility(frank, approval.Approve, time.Time{}, over).Eligible, "no clock is asked")
	escalated, _ := escalating(stepOf(1, carol)).OnTimer(after(time.Hour))
	require.Equal(t, after(time.Hour),
		escalated.Eligibility(frank, approval.Approve, after(time.Hour), delegation(erin, frank)).EscalatedAt)
}

// A recorded decision of a delegate holds the delegation that it rests on.
func TestCheck_Delegation(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(2, carol, dave, bob), stepOf(1, erin))
	for name, c := range map[string]struct {
		change func(*access.Decision)
		want   approval.Reason
	}{
		"fits":            {func(*access.Decision) {}, ""},
		"missing":         {func(d *access.Decision) { d.Delegation = nil }, approval.BadDelegation},
		"from another":    {func(d *access.Decision) { d.Delegation.By = dave }, approval.BadDelegation},
		"to another":      {func(d *access.Decision) { d.Delegation.To = erin }, approval.BadDelegation},
		"another console": {func(d *access.Decision) { d.Delegation.Console = "other" }, approval.BadDelegation},
		"not yet": {
			func(d *access.Decision) { d.Delegation.At = after(time.Hour + 1) }, approval.BadDelegation,
		},
		"over": {func(d *access.Decision) { d.Delegation.Until = after(time.Hour) }, approval.BadDelegation},
		"longer than it says": {func(d *access.Decision) {
			d.Delegation.Duration = access.Duration(time.Hour)
		}, approval.BadDelegation},
		"for the requester": {
			func(d *access.Decision) { d.OnBehalfOf, d.Delegation.By = bob, bob }, approval.IsRequester,
		},
		"for a later step": {
			func(d *access.Decision) { d.OnBehalfOf, d.Delegation.By = erin, erin }, approval.NotEligible,
		},
		"for themselves":      {func(d *access.Decision) { d.OnBehalfOf = frank }, approval.NotEligible},
		"eligible themselves": {func(d *access.Decision) { d.By, d.Delegation = dave, nil }, ""},
	} {
		d := decide(s, after(time.Hour), approval.Approve, frank)
		handed := delegation(carol, frank)
		d.OnBehalfOf, d.Delegation = carol, &handed
		c.change(&d)
		require.Equal(t, c.want, reasonOf(s.Check(d, d.At)), name)
	}
	d := decide(s, after(time.Hour), approval.Approve, dave)
	d.OnBehalfOf = carol
	s = s.Record(d)
	require.Equal(t, approval.DecidedBefore, reasonOf(s.Check(decide(s, d.At, approval.Approve, carol), d.At)),
		"both their decisions are used up")
}

// What the record of an escalation says must be so.
func TestCheck_EscalatedAt(t *testing.T) {
	t.Parallel()
	s, _ := escalating(stepOf(1, carol)).OnTimer(after(time.Hour))
	d := decide(s, after(2*time.Hour), approval.Approve, dave)
	require.Equal(t, after(time.Hour), d.EscalatedAt)
	require.Nil(t, s.Check(d, d.At))
	for _, wrong := range []time.Time{after(time.Hour - 1), after(2*time.Hour + 1)} {
		d.EscalatedAt = wrong
		require.Equal(t, approval.NotEscalated, reasonOf(s.Check(d, d.At)))
	}
	byDelegate := s.Stamp(access.Decision{
		At: after(2 * time.Hour), By: frank, OnBehalfOf: erin, Action: approval.Approve,
	}, noon)
	require.Equal(t, after(time.Hour), byDelegate.EscalatedAt)
	require.Equal(t, noon, byDelegate.CameAt)
}

func TestFindDelegation(t *testing.T) {
	t.Parallel()
	newer := delegation(carol, frank)
	newer.At, newer.Comment = after(time.Minute), "newer"
	all := []access.Delegation{delegation(carol, frank), newer, delegation(dave, frank)}
	holds := func(access.Delegation) (why, err error) { return nil, nil }
	found, doubts, err := approval.FindDelegation(all, []string{erin, carol, dave}, frank, after(time.Hour), holds)
	require.NoError(t, err)
	require.Empty(t, doubts)
	require.Equal(t, newer, *found)

	revoked := func(d access.Delegation) (why, err error) {
		if d.By == carol {
			return errors.New("its key is revoked"), nil
		}
		return nil, nil
	}
	found, doubts, err = approval.FindDelegation(all, []string{carol, dave}, frank, after(time.Hour), revoked)
	require.NoError(t, err)
	require.Equal(t, dave, found.By)
	require.Equal(t, []string{"the delegation of carol@example.com does not count: its key is revoked"}, doubts)

	_, _, err = approval.FindDelegation(all, []string{carol}, frank, after(time.Hour),
		func(access.Delegation) (why, err error) { return nil, errors.New("no file") })
	require.ErrorContains(t, err, "the delegation of carol@example.com cannot be checked: no file")
	found, _, err = approval.FindDelegation(all, []string{carol}, frank, after(24*time.Hour), holds)
	require.NoError(t, err)
	require.Nil(t, found)
}

// Delegates are those who may decide by a delegation alone.
func TestDelegates(t *testing.T) {
	t.Parallel()
	s := approvedBy(opened(stepOf(3, carol, dave, erin), stepOf(1, frank)), dave)
	good := []access.Delegation{delegation(carol, frank), delegation(erin, "gina@example.com")}
	all := []access.Delegation{
		good[1], good[0],
		delegation(dave, "henk@example.com"), // dave has decided
		delegation(carol, erin),              // who is eligible
		delegation(carol, dave),              // who has decided
		delegation(carol, bob), delegation(carol, ana),
		delegation(frank, "ida@example.com"), // of a later step
	}
	require.Equal(t, good, s.Delegates(all, after(time.Hour)))
	require.Empty(t, s.Delegates(all, after(24*time.Hour)))
	require.Empty(t, opened(anyone(2)).Delegates(all, noon))
	require.Equal(t, []string{carol, erin}, s.Undecided())
	require.Nil(t, opened(anyone(2)).Undecided())
}
