package activities

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// driftFixture is a grant fixture whose console is synced and held against the ledger.
type driftFixture struct {
	*grantFixture

	told  *notifyFixture
	drift *Drift
	syncs int
}

func newDriftFixture(t *testing.T) *driftFixture {
	t.Helper()
	d := &driftFixture{grantFixture: newGrantFixture(t, consoletest.Options{})}
	d.told = newNotifyFixture(t, d.store, d.client.Console())
	d.drift = NewDrift(NewAuthority(d.store, d.client.Console(), nil), d.told.notify)
	d.drift.now = func() time.Time { return d.now }
	d.sync()
	return d
}

// sync stores what the console shows, some time later.
func (d *driftFixture) sync() {
	d.t.Helper()
	d.now = d.now.Add(3 * time.Minute)
	d.syncs++
	storeSync(d.t, d.store, d.client.Console(), d.console.Truth(), "sync-"+time.Duration(d.syncs).String(), d.now)
	d.now = d.now.Add(3 * time.Minute)
}

// storeSync stores the principals of a console as a proven sync.
func storeSync(t *testing.T, s *store.Store, host string, truth consoletest.Truth, id string, at time.Time) {
	t.Helper()
	ctx, cs := t.Context(), []access.Collection{access.Users, access.ServiceUsers}
	require.NoError(t, s.Begin(ctx, store.BeginInput{Console: host, ID: id, Collections: cs, StartedAt: at}))
	for _, c := range cs {
		_, err := s.StartDrain(ctx, id, c, 1)
		require.NoError(t, err)
		page := store.SavePageInput{Snapshot: id, Collection: c, Attempt: 1, Last: true, Requests: 1}
		for _, p := range truth.Principals {
			if p.In() == c {
				page.Entities = append(page.Entities, p)
			}
		}
		require.NoError(t, s.SavePage(ctx, page))
		for more := true; more; {
			more, err = s.LoadPage(ctx, id, c, 1)
			require.NoError(t, err)
		}
	}
	_, err := s.Promote(ctx, id, store.PromoteInput{Collections: cs})
	require.NoError(t, err)
}

func (d *driftFixture) explain() store.Explanation {
	d.t.Helper()
	out, err := d.drift.Explain(d.outside())
	require.NoError(d.t, err)
	return out
}

// measured is what the worker's metrics show of drift.
func (d *driftFixture) measured() drift.Counts {
	d.t.Helper()
	out, err := d.store.Measures(d.t.Context(), d.client.Console(), d.now)
	require.NoError(d.t, err)
	return out.Drift
}

func (d *driftFixture) outside() context.Context {
	return attempt.Outside(d.t.Context(), attempt.Runtime{
		Logger:  sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		Metrics: client.MetricsNopHandler,
	})
}

// event is the event that was announced last.
func (d *driftFixture) events() []wire.Event {
	var out []wire.Event
	for _, in := range d.told.started {
		out = append(out, in.Event)
	}
	return out
}

// Access whose workflows are gone is overdue a minute past its end, and people are told once; a revoke of ours, and
// a lease that is in force, are no drift.
func TestDrift_OverdueWithoutAnyWorkflow(t *testing.T) {
	t.Parallel()
	d := newDriftFixture(t)
	require.Zero(t, d.explain().Counts.Drift())
	proof := d.mustWrite(d.change(access.OpAcquire, lease("INC-1", d.soc))).Proof
	require.Equal(t, access.Applied, proof.Outcome)
	d.sync()
	got := d.explain()
	require.Zero(t, got.Counts.Drift(), got.Counts)
	require.Equal(t, 1, got.Counts[drift.Leased])
	require.Empty(t, d.events())

	d.now = d.now.Add(time.Hour)
	got = d.explain()
	require.Equal(t, drift.Counts{drift.Overdue: 1}, got.New)
	require.Equal(t, 1, d.measured()[drift.Overdue])
	require.Equal(t, []wire.Event{{Type: wire.EventDrift, Number: got.Number}}, d.events())
	require.Empty(t, d.explain().New)
	require.Len(t, d.events(), 1)

	e, err := d.told.notify.build(d.t.Context(), d.events()[0])
	require.NoError(t, err)
	require.Equal(t, "New drift: 1 overdue. Run `starter drift` to see what the ledger does not explain", e.Text)
	require.Len(t, e.Details, 1)
	require.Contains(t, e.Details[0],
		"overdue: role "+d.soc.RoleID+" of user new.ana@example.com at site "+d.soc.ScopeID)
	require.Contains(t, e.Details[0], "by grant/INC-1")
	_, err = d.told.notify.build(d.t.Context(), wire.Event{Type: wire.EventDrift, Number: 9})
	_, none := isNoGround(err)
	require.True(t, none, "an event that somebody makes up")

	d.mustWrite(d.change(access.OpRelease, lease("INC-1", d.soc)))
	require.Zero(t, d.explain().Counts.Drift(), "released, though the sync still shows it")
	require.Zero(t, d.measured()[drift.Overdue])
	d.sync()
	require.Zero(t, d.explain().Counts.Drift())
}

// What is given by hand is unexplained, what is removed by hand is missing; what a release restores is neither.
func TestDrift_ByHand(t *testing.T) {
	t.Parallel()
	d := newDriftFixture(t)
	d.explain()
	d.mustWrite(d.change(access.OpAcquire, lease("INC-1", d.soc)))
	d.editByHand(holdings(d.viewer, d.viewerAtThirdSite()))
	d.sync()
	require.Equal(t, drift.Counts{drift.Unexplained: 1, drift.Missing: 1}, d.explain().New)

	d.editByHand(holdings(d.viewer, d.soc))
	d.sync()
	require.Zero(t, d.explain().Counts.Drift())
	replacing := access.Holding{Level: d.viewer.Level, RoleID: d.admin.RoleID, ScopeID: d.viewer.ScopeID}
	d.mustWrite(d.change(access.OpAcquire, lease("INC-2", replacing)))
	d.sync()
	require.Zero(t, d.explain().Counts.Drift())
	d.mustWrite(d.change(access.OpRelease, lease("INC-2", replacing)))
	require.True(t, d.held().Holds(d.viewer))
	d.sync()
	require.Zero(t, d.explain().Counts.Drift(), "the role that the lease had replaced is back")
}

// Drift that people could not be told of is told with the next explanation.
func TestDrift_ToldLater(t *testing.T) {
	t.Parallel()
	d := newDriftFixture(t)
	d.explain()
	d.editByHand(holdings(d.viewer, d.viewerAtThirdSite()))
	d.sync()
	start := d.told.notify.start
	d.told.notify.start = func(context.Context, client.StartWorkflowOptions, string, wire.DeliverInput) error {
		return errTemporalAway
	}
	require.Equal(t, drift.Counts{drift.Unexplained: 1}, d.explain().New)
	require.Empty(t, d.events())
	d.told.notify.start = start
	require.Empty(t, d.explain().New)
	require.Len(t, d.events(), 1)
}
