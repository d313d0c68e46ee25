package authority_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
)

const reverting = `
groups: {leads: [carol@example.com, dave@example.com]}
rules: [{name: leads, permanent: true, for: [grant, revoke], approvals: [{need: 1, from: [leads]}]}]
drift:
  - {name: admins, when: role.id == "303", action: revert, approvals: [{need: 1, from: [leads]}]}
  - {name: adopted, when: role.id == "301", action: adopt}
  - {name: rest, action: revert}
`

// newRevert is a revoke that a drift rule has the system request, for a role that somebody has given ana by hand.
// Signatures are required.
func newRevert(t *testing.T, rule string, h access.Holding, tweaks ...func(*ledger.Drift, *access.Plan)) *scene {
	t.Helper()
	s := newScene(t, reverting, true)
	s.known = access.OwnershipState{Known: true, Baseline: holdings(viewer, h), Proven: holdings(viewer, h)}
	d := ledger.Drift{
		Action: "revert", Principal: access.PrincipalRef{Kind: ana.Kind, ID: ana.ID}, Holding: h, Found: "unexplained",
		Since: noon, Policy: s.policy.Hash(), Rule: rule,
	}
	plan := access.Plan{
		Op: access.OpRevoke, Console: acme, Principal: ana, Role: access.RoleRef{ID: h.RoleID},
		Scope: access.ScopeRef{Level: h.Level, ID: h.ScopeID}, Terms: access.Terms{Requester: policy.SystemRequester},
		Before: holdings(viewer, h),
	}
	in, _ := policy.InputFromLedger(ledger.Request{Plan: plan, Facts: s.facts}, s.now)
	answer := s.policy.Revert(rule, in)
	plan.Approval, plan.Rules = answer.Approval, answer.Rules
	for _, tweak := range tweaks {
		tweak(&d, &plan)
	}
	s.plan = plan.Seal()
	if d.Rule != "" {
		s.record(d.EntryKey(), d)
	}
	s.record(run.RequestKey(0), ledger.Request{Plan: s.plan, SignaturesRequired: true, Facts: s.facts})
	return s
}

// A revert that the ledger names needs no signature of a requester, and the approvals of its rule alone.
func TestRevert_ByTheLedger(t *testing.T) {
	t.Parallel()
	require.True(t, newRevert(t, "rest", soc).write(access.OpRevoke).Covered())
	s := newRevert(t, "admins", admin)
	require.Equal(t, authority.NotApproved, s.write(access.OpRevoke).Reason)
	s.decided(s.decision(carol, approval.Approve))
	require.True(t, s.write(access.OpRevoke).Covered())
}

// asksNobody makes the plan one that a forged entry would lead to.
func asksNobody(_ *ledger.Drift, p *access.Plan) { p.Approval = access.Approval{Hash: p.Approval.Hash} }

func anotherPrincipal(d *ledger.Drift, _ *access.Plan) { d.Principal.ID = "9" }
func anotherRole(d *ledger.Drift, _ *access.Plan)      { d.Holding = viewer }
func anotherRequester(_ *ledger.Drift, p *access.Plan) { p.Terms.Requester = bob }
func adopting(d *ledger.Drift, _ *access.Plan)         { d.Action = "adopt" }

// What the ledger does not say is not reverted.
func TestRevert_NotByTheLedger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule  string
		of    access.Holding
		tweak func(*ledger.Drift, *access.Plan)
		want  authority.Reason
	}{
		"no entry": {
			"rest", soc, func(d *ledger.Drift, _ *access.Plan) { d.Rule = "" }, authority.NotSigned,
		},
		"another principal":   {"rest", soc, anotherPrincipal, authority.NotSigned},
		"another role":        {"rest", soc, anotherRole, authority.NotSigned},
		"another requester":   {"rest", soc, anotherRequester, authority.NotSigned},
		"an adoption":         {"rest", soc, adopting, authority.NotSigned},
		"a rule about others": {"admins", soc, asksNobody, authority.PolicyForbids},
		"a rule that adopts":  {"adopted", viewer, asksNobody, authority.PolicyForbids},
		"without the approvals": {"admins", admin, func(_ *ledger.Drift, p *access.Plan) {
			p.Approval.Required, p.Approval.Steps = false, nil
		}, authority.PolicyForbids},
		"a lost policy": {"rest", soc, func(d *ledger.Drift, p *access.Plan) {
			d.Policy, p.Approval.Hash = "lost", "lost"
		}, authority.PolicyMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newRevert(t, c.rule, c.of, c.tweak).write(access.OpRevoke)
			require.Equal(t, authority.Unauthorized, v.Answer)
			require.Equal(t, c.want, v.Reason, v.Text)
		})
	}
}

// A revert only removes what the entry names, and not what a request has granted since.
func TestRevert_OnlyRemoves(t *testing.T) {
	t.Parallel()
	s := newRevert(t, "rest", soc)
	step := s.known.Apply(access.Change{Op: access.OpRevoke, Lease: access.Lease{Holding: soc}}, s.known.Proven)
	step.After = holdings(viewer, admin)
	require.Equal(t, authority.NotOnRecord, s.writeStep(access.OpRevoke, step).Reason)

	record, err := authority.RecordOf(s.entries, run)
	require.NoError(t, err)
	j := s.judge()
	j.Granted = func(context.Context, access.PrincipalRef, access.Holding) (string, error) {
		return "grant/INC-43", nil
	}
	v, err := j.Write(t.Context(), record, authority.Change{
		Principal: ana, Op: access.OpRevoke, Known: s.known, Now: s.now,
		Step: s.known.Apply(access.Change{Op: access.OpRevoke, Lease: access.Lease{Holding: soc}}, s.known.Proven),
	})
	require.NoError(t, err)
	require.Equal(t, authority.NotOnRecord, v.Reason)
	require.Contains(t, v.Text, "grant/INC-43 has granted this role")
}

// A file of signers that cannot be read, or that is not configured any more, holds up no end that has come.
func TestRelease_EndWithoutSigners(t *testing.T) {
	t.Parallel()
	s := newScene(t, oneLead, true).requested()
	s.decided(s.decision(carol, approval.Approve))
	s.given()
	s.signers = nil
	judge := func() (authority.Verdict, error) {
		record, err := authority.RecordOf(s.entries, run)
		require.NoError(t, err)
		return s.judge().Write(t.Context(), record, authority.Change{
			Principal: ana, Op: access.OpRelease, Known: s.known, Now: s.now,
			Step: s.known.Apply(access.Change{Op: access.OpRelease, Lease: s.known.Leases[0]}, s.known.Proven),
		})
	}
	_, err := judge()
	require.ErrorContains(t, err, "ALLOWED_SIGNERS", "before the end, it waits")
	s.now = s.now.Add(4 * time.Hour)
	v, err := judge()
	require.NoError(t, err)
	require.True(t, v.Covered())
}
