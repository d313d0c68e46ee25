package claims_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// A lease is in the claims from the write on, with its end, and closed by the proof of its
// release.
func TestCatchUp_Lease(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		r := w.requested("grant/INC-42", access.OpAcquire, soc, time.Hour)
		require.Empty(w, w.claims(), "nothing is given yet")
		r.written(access.OpAcquire)
		c := w.claim()
		require.Equal(w, store.ClaimOpen, c.State)
		require.False(w, c.Proven)
		require.Equal(w, noon.Add(time.Hour), c.Due)

		w.later(time.Second)
		r.done(access.OpAcquire)
		c = w.claim()
		require.Equal(w, store.Claim{
			ID: "grant/INC-42#run", Op: store.ClaimLease, Holding: soc, Request: "grant/INC-42", Run: "run",
			Principal: ledger.Subject{Kind: ana.Kind, ID: ana.ID}, State: store.ClaimOpen, Entry: c.Entry, Proven: true,
			Authorized: true, Began: noon, Due: noon.Add(time.Hour), Why: "end",
		}, c)

		w.later(time.Hour + store.OverdueAfter)
		due, err := w.s.OverdueRuns(w.Context(), acme, noon.Add(time.Hour+store.OverdueAfter), 10)
		require.NoError(w, err)
		require.Equal(w, []store.OverdueRun{{Run: c.Of(), Principal: c.Principal, Due: c.Due}}, due)
		due, err = w.s.OverdueRuns(w.Context(), acme, noon.Add(time.Hour+store.OverdueAfter-time.Microsecond), 10)
		require.NoError(w, err)
		require.Empty(w, due)

		r.done(access.OpRelease)
		c = w.claim()
		require.Equal(w, store.ClaimClosed, c.State)
		require.Equal(w, w.now, c.ClosedAt)
		due, err = w.s.OverdueRuns(w.Context(), acme, w.now.Add(time.Hour), 10)
		require.NoError(w, err)
		require.Empty(w, due)
	})
}

// A request that has ended although a write of it may have arrived must be released at once.
func TestCatchUp_EndedBehindAWrite(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		r := w.requested("grant/INC-42", access.OpAcquire, soc, time.Hour)
		r.written(access.OpAcquire)
		w.later(time.Minute)
		r.closed("refused")
		c := w.claim()
		require.Equal(w, store.ClaimOpen, c.State)
		require.Equal(w, w.now, c.Due)
		require.Equal(w, "closed", c.Why)
	})
}

// Without its policy, the end of a lease is known all the same; an end that cannot be worked out is
// the earlier one, and is worked out again.
func TestCatchUp_Doubtful(t *testing.T) {
	t.Parallel()
	onBoth(t, func(w *world) {
		r := w.requested("grant/INC-42", access.OpAcquire, soc, time.Hour)
		r.done(access.OpAcquire)
		x := access.ExtensionRequest{
			Request: r.run.Request, Run: r.run.ID, PlanHash: r.plan.Hash, By: "bob@example.com", At: w.now,
			From: noon.Add(time.Hour), EndsAt: noon.Add(2 * time.Hour), Duration: access.Duration(time.Hour),
		}
		x.Approval.Hash = w.policy.Hash()
		x = x.Seal()
		w.append(r.run.Request, r.run.ExtensionRequestKey(x), ledger.ExtensionRequest{Extension: x})
		w.broken = errors.New("the database is away")
		c := w.claim()
		require.True(w, c.Doubtful)
		require.Equal(w, noon.Add(time.Hour), c.Due)

		w.broken = nil
		c = w.claim()
		require.False(w, c.Doubtful)
		require.Equal(w, noon.Add(2*time.Hour), c.Due, "the extension needs nobody")
	})
}
