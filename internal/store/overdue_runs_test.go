package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// A run counts once, at its first end, however many scopes it names: a request for hundreds of sites that cannot be
// released must not fill the list and hide those behind it. Neither must what no request has given.
func TestOverdueRuns_NoneHidesOthers(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	onBoth(t, func(db database) {
		t, s := db.t, db.s
		var all []store.Claim
		var runs []ledger.Run
		add := func(request, role, scope string, authorized bool, minutes int) {
			all = append(all, store.Claim{
				Holding: access.Holding{Level: access.SiteLevel, RoleID: role, ScopeID: scope},
				ID:      request + "#run", Op: store.ClaimLease, Request: request, Run: "run",
				Principal: ledger.Subject{Kind: access.User, ID: request}, State: store.ClaimOpen, Proven: true,
				Authorized: authorized, Began: noon, Due: noon.Add(time.Duration(minutes) * time.Minute),
			})
			runs = append(runs, all[len(all)-1].Of())
		}
		for i := range 30 {
			add("grant/many", "301", fmt.Sprint(200+i), true, 30-i)
			add(fmt.Sprintf("grant/forged-%d", i), "301", "200", false, 0)
		}
		add("grant/behind", "301", "200", true, 40)
		add("grant/running", "301", "200", true, 60)
		saved, err := s.SaveClaims(t.Context(), acme, store.ClaimsUpdate{
			To: ledger.Head{Seq: 1, Hash: "one"}, Runs: runs, Claims: all,
		})
		require.NoError(t, err)
		require.True(t, saved)
		due, err := s.OverdueRuns(t.Context(), acme, noon.Add(40*time.Minute+store.OverdueAfter), 10)
		require.NoError(t, err)
		want := func(request string, minutes int) store.OverdueRun {
			return store.OverdueRun{
				Run: ledger.Run{Request: request, ID: "run"}, Principal: ledger.Subject{Kind: access.User, ID: request},
				Due: noon.Add(time.Duration(minutes) * time.Minute),
			}
		}
		require.Equal(t, []store.OverdueRun{want("grant/many", 1), want("grant/behind", 40)}, due)
		due, err = s.OverdueRuns(t.Context(), acme, noon.Add(40*time.Minute+store.OverdueAfter), 1)
		require.NoError(t, err)
		require.Len(t, due, 1)
	})
}
