package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// Requests of every sort: planned several times, break-glass, denied, lapsed, for
// accounts, and of a worker without a policy. Each is counted once, as it went under its
// last plan.
func TestPolicyTest_RequestsOfEverySort(t *testing.T) {
	f := newFixture(t)
	t.Setenv("SENTINELONE_BASE_URL", "https://"+host)
	path := policyFile(t, `groups: {soc: [ana@example.com, carol@example.com]}
rules:
  - name: default
    for: [grant, revoke]
    permanent: true
    approvals: [{need: 1, from: [soc]}]
    breakGlass: {reviewWithin: 4h, reviewers: {need: 1, from: [soc]}}
`)
	plan := func(op access.Op, a access.Approval) access.Plan {
		return access.Plan{
			Op: op, Console: host, Role: access.RoleRef{ID: "302", Name: "SOC"}, Approval: a,
			Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: "erin@example.com"},
			Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
			Terms:     access.Terms{Requester: "bob@example.com"},
		}.Seal()
	}
	waits := access.Approval{Required: true, Hash: "old", Steps: []access.ApprovalStep{{Need: 1}}}
	by := func(p access.Plan, who, action string) access.Decision {
		return access.Decision{At: time.Now(), By: who, Action: action, PlanHash: p.Hash}
	}
	grant := plan(access.OpGrant, waits)
	f.asked("grant/denied", grant, "denied", by(grant, "carol@example.com", "deny"))
	f.asked("grant/lapsed", grant, "timedOut")
	f.asked("grant/glass", plan(access.OpAcquire, access.Approval{
		Hash: "old", Review: &access.Review{ApprovalStep: access.ApprovalStep{Need: 1}},
	}), "ended")
	f.asked("grant/no-policy", plan(access.OpGrant, access.Approval{}), "granted")
	f.asked("revoke/no-policy", plan(access.OpRevoke, access.Approval{}), "revoked")
	f.asked("offboard/1", plan(access.OpDelete, access.Approval{}), "offboarded")
	f.asked("provision/1", plan(access.OpCreate, access.Approval{}), "provisioned")
	f.asked("grant/empty", access.Plan{Op: access.OpGrant}, "failed") // never planned, so there is nothing to replay

	// Planned twice: only what was said about the last plan counts.
	first, second := plan(access.OpGrant, waits), plan(access.OpGrant, access.Approval{Required: true, Hash: "new"})
	receipt := access.Receipt{State: "granted", Plan: second, Decisions: []access.Decision{
		by(first, "carol@example.com", "approve"), by(second, "zoe@example.com", "approve"),
	}}
	for _, e := range []ledger.NewEntry{
		{Key: "request", Body: ledger.Request{Plan: first}},
		{Key: "request/1", Body: ledger.Request{Plan: second}},
		{Key: "receipt", Body: ledger.Receipt{Receipt: receipt}},
	} {
		e.Request, e.Key = "grant/planned-twice", "grant/planned-twice#run/"+e.Key
		_, err := f.db.Append(t.Context(), host, e)
		require.NoError(t, err)
	}

	got := run(t, "policy", "test", path, "--all", "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	answer := decode[policyTestAnswer](t, got)
	require.Equal(t, 8, answer.Requests)
	ends, unclear := map[string]string{}, []string{}
	for _, one := range answer.Results {
		ends[one.Request] = one.WouldBe
		if one.Unclear {
			unclear = append(unclear, one.Request)
		}
	}
	require.Equal(t, map[string]string{
		"grant/denied": "denied", "grant/lapsed": "timedOut", "grant/glass": "ended",
		"grant/no-policy": "undecided", "revoke/no-policy": "undecided", "grant/planned-twice": "undecided",
		"offboard/1": "offboarded", "provision/1": "provisioned",
	}, ends)
	require.ElementsMatch(t, []string{"provision/1"}, unclear)
	require.Equal(t, 3, answer.Differ)
}
