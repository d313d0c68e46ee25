package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// SetClock lets tests of the package's users skip time.
func (p *Principal) SetClock(now func() time.Time) { p.now = now }

// RecordRequest puts on record, once, that a change was requested and that nobody is asked,
// as the first plan of its request would. planned may change the plan; nil does not.
func RecordRequest(
	t *testing.T, s *store.Store, who wire.WriterStart, op access.Op, l access.Lease, at time.Time,
	planned func(*access.Plan),
) {
	t.Helper()
	run := ledger.RunOfLease(l.ID)
	if _, err := s.LedgerEntryByKey(t.Context(), who.Console, run.RequestKey(0)); err == nil {
		return
	}
	p, err := policy.Parse("nobody is asked", []byte(testbed.AutoApprove))
	require.NoError(t, err)
	require.NoError(t, s.KeepPolicy(t.Context(), p.Hash(), p.Name(), p.Text()))
	if op == access.OpRelease {
		op = access.OpAcquire
	}
	plan := access.Plan{
		Op: op, Console: who.Console, Principal: access.PrincipalRef{Kind: who.Kind, ID: who.ID},
		Role: access.RoleRef{ID: l.RoleID}, Scope: access.ScopeRef{Level: l.Level, ID: l.ScopeID},
		Terms: access.Terms{Requester: "bob@example.com", AllowLevelChange: true},
	}
	if op == access.OpAcquire {
		plan.Terms.Duration = max(l.For, access.Duration(time.Hour))
	}
	if op != access.OpDelete && op != access.OpReset {
		answer, err := p.Evaluate(policy.InputFromPlan(plan, at))
		require.NoError(t, err)
		plan.Approval, plan.Rules = answer.Approval, answer.Rules
	}
	if planned != nil {
		planned(&plan)
	}
	_, err = s.Append(t.Context(), who.Console, ledger.NewEntry{
		Request: run.Request, Key: run.RequestKey(0), At: at,
		Body: ledger.Request{Plan: plan.Seal(), Facts: &ledger.Facts{}},
	})
	require.NoError(t, err)
}
