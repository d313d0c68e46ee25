package authority_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/authority"
)

// byNight is a policy that asks carol or dave by day, and other rules from 18 o'clock on.
func byNight(rules string) string {
	return "groups: {leads: [carol@example.com, dave@example.com], owners: [erin@example.com]}\nrules:\n" +
		"  - {name: day, when: hour < 18 && role.predefined && scope.account == \"100\", " +
		"approvals: [{need: 1, from: [leads]}]}\n" + rules
}

const leadsByNight = "  - {name: night, approvals: [{need: 1, from: [leads]}], maxDuration: 3h}\n"

// startingAt is a request, approved at noon by carol, that starts at an hour of that day.
func startingAt(t *testing.T, rules string, hour int, narrow access.Duration) *scene {
	t.Helper()
	s := newScene(t, byNight(rules), true)
	s.spec.Terms.StartAt = noon.Add(time.Duration(hour-12) * time.Hour)
	s.requested()
	require.Empty(t, s.plan.Refusal)
	s.now = s.now.Add(time.Minute)
	d := s.decision(carol, approval.Approve)
	if narrow > 0 {
		d.Duration = narrow
		d = s.signed(d)
	}
	s.decided(d)
	s.now = s.spec.Terms.StartAt
	return s
}

// The policy is asked again at the start, with the time of then: a deny refuses, and a rule
// that asks for more has the request planned again.
func TestWrite_DecidedAgainAtTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules  string
		hour   int
		narrow access.Duration
		answer authority.Answer
		text   string
	}{
		"by day": {"  - {name: night, deny: not by night, when: hour >= 18}\n", 17, 0, authority.Covered, ""},
		"a deny": {
			"  - {name: night, deny: not by night, when: hour >= 18}\n", 20, 0, authority.Unauthorized,
			`the policy refuses it at 2026-03-10 20:00:00 UTC: rule "night" denies it: not by night`,
		},
		"no rule": {"", 20, 0, authority.Unauthorized, "no rule of the policy allows it"},
		"others": {
			"  - {name: night, approvals: [{need: 1, from: [owners]}]}\n", 20, 0, authority.AskAgain, "1 of owners",
		},
		"shorter":           {leadsByNight, 20, 0, authority.AskAgain, "allows at most 3h"},
		"as short":          {leadsByNight, 20, access.Duration(3 * time.Hour), authority.Covered, ""},
		"nobody any longer": {"  - {name: night, autoApprove: true}\n", 20, 0, authority.Covered, ""},
	} {
		s := startingAt(t, c.rules, c.hour, c.narrow)
		v := s.write(access.OpAcquire)
		require.Equal(t, c.answer, v.Answer, "%s: %s", name, v.Text)
		require.Contains(t, v.Text, c.text, name)
		if c.answer != authority.Covered {
			require.Equal(t, authority.PolicyForbids, v.Reason, name)
		}
	}
}

// What has begun goes on to its end, whatever the policy would say of a start by now.
func TestWrite_BegunIsNotDecidedAgain(t *testing.T) {
	t.Parallel()
	s := startingAt(t, "  - {name: night, deny: not by night, when: hour >= 18}\n", 17, 0)
	s.given()
	s.now = noon.Add(7 * time.Hour)
	require.True(t, s.write(access.OpAcquire).Covered())
}

// A plan whose record lacks what its policy reads is planned again before it begins.
func TestWrite_WithoutFacts(t *testing.T) {
	t.Parallel()
	s := startingAt(t, "", 13, 0)
	require.True(t, s.write(access.OpAcquire).Covered())

	s = newScene(t, oneLead, true)
	s.facts = nil
	s.requested()
	s.decided(s.decision(carol, approval.Approve))
	require.Equal(t, authority.AskAgain, s.write(access.OpAcquire).Answer)
	s.given()
	require.True(t, s.write(access.OpAcquire).Covered(), "it has begun")
}

// An approval that is too old when the grant is first written does not cover it.
func TestWrite_ApprovalTooOld(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		s := newScene(t, "groups: {leads: [carol@example.com]}\nrules:\n"+
			"  - {name: a, approvals: [{need: 1, from: [leads]}], approvalValidFor: 2h}\n", true)
		s.requested()
		s.decided(s.decision(carol, approval.Approve))
		s.now = s.now.Add(2 * time.Hour)
		if late {
			s.now = s.now.Add(time.Second)
		}
		v := s.write(access.OpAcquire)
		require.Equal(t, !late, v.Covered(), v.Text)
		if late {
			require.Contains(t, v.Text,
				"the policy lets an approval stand for 2h until it is applied: request it again")
			continue
		}
		s.given()
		s.now = s.now.Add(time.Hour)
		require.True(t, s.write(access.OpAcquire).Covered(), "it was applied in time")
	}
}
