package requestrecord

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// claimed puts the claim of the request's run in place of the one before, and returns the row that says what it means.
func claimed(t *testing.T, r Reader, from *ledger.Head, c store.Claim, now time.Time) Row {
	t.Helper()
	c.ID, c.Op, c.Request, c.Run = "grant/INC-42#r1", store.ClaimLease, "grant/INC-42", "r1"
	c.Holding = access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "201"}
	c.Principal = ledger.Subject{Kind: access.User, ID: "401"}
	to := ledger.Head{Seq: from.Seq + 1, Hash: "h"}
	saved, err := r.Store.SaveClaims(t.Context(), host, store.ClaimsUpdate{
		From: *from, To: to, Runs: []ledger.Run{c.Of()}, Claims: []store.Claim{c},
	})
	require.NoError(t, err)
	require.True(t, saved)
	*from = to
	rows, _, err := r.List(t.Context(), Query{})
	require.NoError(t, err)
	require.NoError(t, r.AddHeld(t.Context(), rows, now))
	require.Len(t, rows, 1)
	return rows[0]
}

// Of a request without a receipt, the list says whether its access is in force, overdue, or released, and by whom.
func TestAddHeld(t *testing.T) {
	t.Parallel()
	r := ledgerWith(t, "grant/INC-42", requested("request", twoSteps().Seal()))
	var head ledger.Head
	end := noon.Add(4 * time.Hour)
	open := store.Claim{State: store.ClaimOpen, Began: noon, Due: end}
	require.Equal(t, &Held{State: HeldInForce, Until: &end}, claimed(t, r, &head, open, end).Access)
	row := claimed(t, r, &head, open, end.Add(store.OverdueAfter))
	require.Equal(t, HeldOverdue, row.Access.State)
	require.Equal(t, "overdue since 2026-03-10 16:00 UTC: a running worker releases it", row.Access.Text())

	lost := store.Claim{State: store.ClaimLost, Began: noon, Due: end}
	require.Equal(t, &Held{State: HeldReplaced}, claimed(t, r, &head, lost, end).Access)
	at := end.Add(2 * time.Minute)
	closed := store.Claim{State: store.ClaimClosed, Began: noon, Due: end, ClosedAt: at}
	require.Equal(t, "released on 2026-03-10 16:02 UTC", claimed(t, r, &head, closed, at).Access.Text())
	change := access.ChangeKey("grant/INC-42#r1", access.OpRelease)
	_, err := r.Store.Append(t.Context(), host, ledger.NewEntry{
		Request: "grant/INC-42", Key: ledger.OverdueKey(change), At: at, Body: ledger.Overdue{Change: change},
	})
	require.NoError(t, err)
	require.Equal(t, "released by the system on 2026-03-10 16:02 UTC", claimed(t, r, &head, closed, at).Access.Text())
	require.Equal(t, "released by the system on 2026-03-10 16:02 UTC",
		r.Read(t.Context(), "grant/INC-42").Access.Text())
}

// A request that Temporal has lost before it gave anything is listed with the command that requests it again.
func TestAddHeld_Lost(t *testing.T) {
	t.Parallel()
	plan := twoSteps()
	plan.Terms.Reason = "it's INC-42"
	r := ledgerWith(t, "grant/INC-42", requested("request", plan.Seal()))
	rows, _, err := r.List(t.Context(), Query{})
	require.NoError(t, err)
	require.NoError(t, r.AddHeld(t.Context(), rows, noon))
	require.Equal(t, StateOpen, rows[0].State, "nobody asked Temporal")
	rows[0].gone = true
	require.NoError(t, r.AddHeld(t.Context(), rows, noon))
	require.Equal(t, StateLost, rows[0].State)
	require.Equal(t, `starter grant --user ana@example.com --role 302 --scope 201 --level site --for 4h `+
		`--reason 'it'\''s INC-42'`, rows[0].Again)
}
