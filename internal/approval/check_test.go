package approval_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// reasonOf is that of an objection; "" for none.
func reasonOf(r *approval.Refusal) approval.Reason {
	if r == nil {
		return ""
	}
	return r.Reason
}

// Who may decide what, and why not.
func TestEligibility(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(2, " Carol@example.com", dave, ana, bob), stepOf(1, erin))
	one := approvedBy(s, dave)
	escalated, _ := escalating(stepOf(1, carol)).OnTimer(after(time.Hour))
	for name, c := range map[string]struct {
		state  approval.State
		person string
		action string
		want   approval.Reason
	}{
		"of the step":                 {s, carol, approval.Approve, ""},
		"in another spelling":         {s, " CAROL@example.com ", approval.Approve, ""},
		"of a later step":             {s, erin, approval.Approve, approval.NotEligible},
		"of a later step, to deny":    {s, erin, approval.Deny, ""},
		"of an earlier step, to deny": {approvedBy(one, carol), frank, approval.Deny, approval.NotEligible},
		"nobody":                      {s, " ", approval.Approve, approval.NameMissing},
		"neither approves nor denies": {s, carol, "cancel", approval.UnknownAction},
		"the requester, though named": {s, "BOB@example.com", approval.Approve, approval.IsRequester},
		"the recipient, though named": {s, ana, approval.Deny, approval.IsRecipient},
		"somebody else":               {s, frank, approval.Approve, approval.NotEligible},
		"has decided":                 {one, dave, approval.Deny, approval.DecidedBefore},
		"anyone":                      {opened(anyone(1)), frank, approval.Approve, ""},
		"anyone but the requester":    {opened(anyone(1)), bob, approval.Approve, approval.IsRequester},
		"anyone but the recipient":    {opened(anyone(1)), ana, approval.Deny, approval.IsRecipient},
		"a step without people":       {opened(stepOf(1)), carol, approval.Approve, approval.NotEligible},
		"no steps":                    {opened(), carol, approval.Approve, approval.NothingPending},
		"it is approved": {
			approvedBy(opened(stepOf(1, carol)), carol), dave, approval.Deny, approval.DecidedAlready,
		},
		"before the escalation": {
			escalating(stepOf(1, carol)), dave, approval.Approve, approval.NotEscalated,
		},
		"after the escalation":             {escalated, dave, approval.Approve, ""},
		"escalated, in another spelling":   {escalated, erin, approval.Approve, ""},
		"escalated, to the requester":      {escalated, bob, approval.Approve, approval.IsRequester},
		"escalated, to the recipient":      {escalated, ana, approval.Approve, approval.IsRecipient},
		"escalated, but not to them":       {escalated, frank, approval.Approve, approval.NotEligible},
		"escalated, those of the step too": {escalated, carol, approval.Approve, ""},
	} {
		got := c.state.Eligibility(c.person, c.action, after(2*time.Hour))
		require.Equal(t, c.want, reasonOf(got.Refusal), "%s: %s", name, got.Refusal.Sentence())
		require.Equal(t, c.want == "", got.Eligible, name)
	}
	require.Equal(t, after(time.Hour), escalated.Eligibility(dave, approval.Approve, after(2*time.Hour)).EscalatedAt)
	require.Zero(t, escalated.Eligibility(carol, approval.Approve, after(2*time.Hour)).EscalatedAt)
	require.Equal(t, approval.NotEscalated,
		reasonOf(escalated.Eligibility(dave, approval.Approve, after(59*time.Minute)).Refusal))
}

// A decision counts if it came before the deadline, whenever it is taken.
func TestCheck_Deadline(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(1, carol))
	taken := decide(s, after(11*time.Hour), approval.Approve, carol)
	for _, c := range []struct {
		came time.Duration
		want approval.Reason
	}{
		{10*time.Hour - 1, ""}, {10 * time.Hour, approval.TooLate}, {10*time.Hour + 1, approval.TooLate},
	} {
		require.Equal(t, c.want, reasonOf(s.Check(taken, after(c.came))), c.came)
	}
}

func TestCheck_Plan(t *testing.T) {
	t.Parallel()
	s := opened(stepOf(1, carol), stepOf(1, dave))
	d := decide(s, noon, approval.Approve, carol)
	require.Equal(t, s.Request.PlanHash, d.PlanHash)
	require.Nil(t, s.Check(d, noon))
	d.PlanHash = "another"
	require.Equal(t, approval.OtherPlan, reasonOf(s.Check(d, noon)))
	d.PlanHash, d.Step = "", 1
	require.Equal(t, approval.OtherStep, reasonOf(s.Check(d, noon)))
	d.PlanHash = "another"
	require.Equal(t, "another", s.Stamp(d, noon).PlanHash, "the plan that somebody saw is not replaced")
}

// Approvers may shorten and start later, and never allow more than was requested.
func TestCheck_ExceedsRequest(t *testing.T) {
	t.Parallel()
	hours := func(n int) access.Duration { return access.Duration(time.Duration(n) * time.Hour) }
	revoke, account, start := planOf(anyone(1)), planOf(anyone(1)), planOf(anyone(1))
	revoke.Op, account.Account = access.OpRevoke, &access.NewAccount{}
	start.Terms.StartAt = after(20 * time.Hour)
	permanent := planOf(anyone(1))
	permanent.Terms.Duration = 0
	plans := map[string]access.Plan{
		"": planOf(anyone(1)), "revoke": revoke, "account": account, "start": start, "permanent": permanent,
		"review": reviewed(anyone(1)),
	}
	for _, c := range []struct {
		plan   string
		length access.Duration
		start  time.Time
		fits   bool
	}{
		{"", 0, time.Time{}, true},
		{"", hours(4), time.Time{}, true},
		{"", hours(4) + 1, time.Time{}, false},
		{"", -1, time.Time{}, false},
		{"", 0, after(time.Minute), false}, // it is past
		{"", 0, after(time.Minute + 1), true},
		{"", 0, after(time.Minute + 366*24*time.Hour), true},
		{"", 0, after(time.Minute + 366*24*time.Hour + 1), false},
		{"permanent", hours(1000), time.Time{}, true},
		{"start", 0, after(20*time.Hour - 1), false},
		{"start", 0, after(20 * time.Hour), true},
		{"start", hours(1), after(21 * time.Hour), true},
		{"revoke", 0, time.Time{}, true},
		{"revoke", hours(1), time.Time{}, false},
		{"account", 0, after(time.Hour), false},
		{"review", hours(1), time.Time{}, false},
		{"review", 0, time.Time{}, true},
	} {
		s := approval.Of(plans[c.plan], noon)
		d := decide(s, after(time.Minute), approval.Approve, carol)
		d.Duration, d.StartAt = c.length, c.start
		got := s.Check(d, noon)
		require.Equal(t, c.fits, got == nil, "%+v: %s", c, got.Sentence())
		if got != nil {
			require.Equal(t, approval.ExceedsRequest, got.Reason)
		}
	}
}

// What one approver has narrowed, the next cannot widen.
func TestCheck_NarrowedBefore(t *testing.T) {
	t.Parallel()
	s := opened(anyone(3))
	first := decide(s, noon, approval.Approve, carol)
	first.Duration, first.StartAt = access.Duration(time.Hour), after(5*time.Hour)
	require.Nil(t, s.Check(first, noon))
	s = s.Record(first)
	require.Equal(t, access.Duration(time.Hour), s.Terms().Duration)
	require.Equal(t, after(5*time.Hour), s.Terms().StartAt)
	second := decide(s, noon, approval.Approve, dave)
	second.Duration = access.Duration(2 * time.Hour)
	require.Equal(t, approval.ExceedsRequest, reasonOf(s.Check(second, noon)))
	second.Duration, second.StartAt = 0, after(4*time.Hour)
	require.Equal(t, approval.ExceedsRequest, reasonOf(s.Check(second, noon)))
	late := decide(s, after(6*time.Hour), approval.Approve, dave)
	require.Contains(t, s.Check(late, noon).Sentence(), "it would end at 2026-03-10 18:00:00 UTC, before it can start")
	late.Action = approval.Deny
	require.Nil(t, s.Check(late, noon))
}

// One key is one person, also behind a delegation and for who requested it.
func TestCheck_Keys(t *testing.T) {
	t.Parallel()
	s := opened(anyone(3))
	s.Request.Key = "key of bob"
	signed := func(by, key string) access.Decision {
		d := decide(s, noon, approval.Approve, by)
		d.Signed = key
		return d
	}
	s = s.Record(signed(carol, "key of carol"))
	delegated := signed(frank, "key of frank")
	delegated.OnBehalfOf, delegated.Delegation = erin, &access.Delegation{By: erin, To: frank, Signed: "key of erin"}
	s = s.Record(delegated)
	again := func(d access.Decision, key string) access.Decision {
		d.OnBehalfOf, d.Delegation = "gina@example.com", &access.Delegation{Signed: key}
		return d
	}
	deny := signed(dave, "key of carol")
	deny.Action = approval.Deny
	for name, c := range map[string]struct {
		d    access.Decision
		want approval.Reason
	}{
		"a key of their own":               {signed(dave, "key of dave"), ""},
		"unsigned":                         {signed(dave, access.Unsigned), ""},
		"the key of an approver":           {signed(dave, "key of carol"), approval.SameKey},
		"the key of a delegate":            {signed(dave, "key of frank"), approval.SameKey},
		"the key of a delegator":           {signed(dave, "key of erin"), approval.SameKey},
		"the key of the requester":         {signed(dave, "key of bob"), approval.SameKey},
		"a delegation with such a key":     {again(signed(dave, "key of dave"), "key of carol"), approval.SameKey},
		"a delegation of the requester's":  {again(signed(dave, "key of dave"), "key of bob"), approval.SameKey},
		"a delegation that is unsigned":    {again(signed(dave, "key of dave"), access.Unsigned), ""},
		"a denial needs no second person":  {deny, ""},
		"the delegator decides themselves": {signed(erin, "key of erin"), approval.DecidedBefore},
		"the delegate decides again":       {signed(frank, "key of frank"), approval.DecidedBefore},
	} {
		require.Equal(t, c.want, reasonOf(s.Check(c.d, noon)), name)
	}
}

// A key that may sign for several names is one person, whichever of them it signs for.
func TestCheck_KeysOfSeveralNames(t *testing.T) {
	t.Parallel()
	const gina = "gina@example.com"
	s := opened(anyone(3))
	s.Request.Key = "key of bob"
	s.Request.Recipient.Name = "Ana Smith"
	may := map[string][]string{}
	s.MaySign = func(key, person string, at time.Time) bool {
		require.False(t, at.Before(noon))
		return slices.Contains(may[key], person)
	}
	signed := func(by, key string) access.Decision {
		d := decide(s, noon, approval.Approve, by)
		d.Signed = key
		return d
	}
	behind := func(d access.Decision, by, key string) access.Decision {
		d.OnBehalfOf, d.Delegation = by, &access.Delegation{By: by, To: d.By, Signed: key}
		return d
	}
	s = s.Record(behind(signed(carol, "key of carol"), erin, "key of erin"))
	deny := signed(dave, "key of dave")
	deny.Action = approval.Deny
	for name, c := range map[string]struct {
		d         access.Decision
		key, name string
		want      approval.Reason
	}{
		"its own name":              {signed(dave, "key of dave"), "key of dave", dave, ""},
		"another's name":            {signed(dave, "key of dave"), "key of dave", frank, ""},
		"an approver's name":        {signed(dave, "key of dave"), "key of dave", carol, approval.SameKey},
		"a delegator's name":        {signed(dave, "key of dave"), "key of dave", erin, approval.SameKey},
		"the requester's name":      {signed(dave, "key of dave"), "key of dave", bob, approval.SameKey},
		"the recipient's name":      {signed(dave, "key of dave"), "key of dave", ana, approval.SameKey},
		"the recipient's full name": {signed(dave, "key of dave"), "key of dave", "ana smith", approval.SameKey},
		"the approver's key":        {signed(dave, "key of dave"), "key of carol", dave, approval.SameKey},
		"the key of the delegator":  {signed(dave, "key of dave"), "key of erin", dave, approval.SameKey},
		"the requester's key":       {signed(dave, "key of dave"), "key of bob", dave, approval.SameKey},
		"the name is unsigned":      {signed(dave, access.Unsigned), "key of carol", dave, approval.SameKey},
		"a delegator's key, before": {
			behind(signed(dave, "key of dave"), gina, "key of gina"), "key of gina", carol, approval.SameKey,
		},
		"a delegator whom a key signs for": {
			behind(signed(dave, "key of dave"), gina, "key of gina"), "key of carol", gina, approval.SameKey,
		},
		"a denial": {deny, "key of dave", carol, ""},
	} {
		may = map[string][]string{c.key: {c.name}}
		require.Equal(t, c.want, reasonOf(approval.SharedKey(c.d, s.Request, s.Decisions, s.MaySign)), name)
		if c.d.Delegation == nil {
			require.Equal(t, c.want, reasonOf(s.Check(c.d, noon)), name)
		}
	}
	may = map[string][]string{"key of dave": {carol}}
	require.Equal(t, "dave@example.com cannot count besides carol@example.com for erin@example.com, who approved it: "+
		"key key of dave may also sign for carol@example.com, and one key is one person",
		s.Check(signed(dave, "key of dave"), noon).Sentence())
}
