package requestrecord

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

const (
	host  = "acmeco.example.net"
	carol = "carol@example.com"
	dave  = "dave@example.com"
	erin  = "erin@example.com"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// twoSteps is a time-bound grant that needs two leads, then anyone.
func twoSteps() access.Plan {
	return access.Plan{
		Op: access.OpAcquire, Console: host,
		Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "302", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
		Terms:     access.Terms{Requester: "bob@example.com", Duration: access.Duration(4 * time.Hour)},
		Approval: access.Approval{
			Required: true, DecideWithin: access.Duration(time.Hour),
			Steps: []access.ApprovalStep{
				{Need: 2, Groups: []string{"leads"}, People: []string{carol, dave, erin}},
				{Need: 1, Groups: []string{access.Anyone}, People: []string{}},
			},
		},
	}
}

// ledgerWith returns a reader of a ledger with the entries of one run, a minute between
// two of them.
func ledgerWith(t *testing.T, id string, entries ...ledger.NewEntry) Reader {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "test.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for i, e := range entries {
		e.Request, e.Key, e.At = id, id+"#r1/"+e.Key, noon.Add(time.Duration(i)*time.Minute)
		_, err := db.Append(t.Context(), host, e)
		require.NoError(t, err)
	}
	return Reader{Store: db, Console: host}
}

func requested(key string, plan access.Plan) ledger.NewEntry {
	return ledger.NewEntry{Key: key, Body: ledger.Request{Plan: plan}}
}

func decided(key string, plan access.Plan, d access.Decision, refusal string) ledger.NewEntry {
	d.PlanHash, d.Signed = plan.Hash, access.Unsigned
	return ledger.NewEntry{Key: key, Body: ledger.Decision{Decision: d, Refusal: refusal}}
}
