package activities

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
)

// alone is a context without Temporal.
func (d *grantFixture) alone() context.Context {
	return attempt.Outside(d.t.Context(), attempt.Runtime{
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)), Metrics: client.MetricsNopHandler,
		Number: d.attempt, Since: d.scheduled, MaxPause: time.Minute,
	})
}

// leased has the user hold the SOC role for an hour, by a request on record.
func leased(d *grantFixture) ledger.Run {
	d.t.Helper()
	require.Equal(d.t, access.Applied,
		d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc))).Proof.Outcome)
	return ledger.Run{Request: "grant/1", ID: "run"}
}

// A minute past the end, and not before, the system releases without Temporal. A second read confirms it. The request
// that comes late finds the proof.
func TestReleaseOverdue(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	run := leased(d)
	ends := d.now.Add(time.Hour)
	release := func() bool {
		t.Helper()
		released, err := d.principal.ReleaseOverdue(d.alone(), run, time.Minute)
		require.NoError(t, err)
		return released
	}
	d.now = ends.Add(59 * time.Second)
	require.False(t, release())
	require.Equal(t, holdings(d.viewer, d.soc), d.held())
	d.now = ends.Add(time.Minute)
	require.True(t, release())
	require.Equal(t, holdings(d.viewer), d.held())
	require.False(t, release(), "there is nothing left")
	open, err := d.principal.Unconfirmed(d.alone(), run)
	require.NoError(t, err)
	require.True(t, open)
	done, err := d.principal.ConfirmRelease(d.alone(), run)
	require.NoError(t, err)
	require.True(t, done)
	open, err = d.principal.Unconfirmed(d.alone(), run)
	require.NoError(t, err)
	require.False(t, open)

	kinds := d.ledger("grant/1")
	require.Equal(t, []ledger.Kind{
		ledger.KindRequest, ledger.KindWrite, ledger.KindAnswer, ledger.KindProof,
		ledger.KindOverdue, ledger.KindWrite, ledger.KindAnswer, ledger.KindProof, ledger.KindConfirmation,
	}, kinds)
	puts := d.puts()
	got := d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	require.Equal(t, access.Released, got.Proof.Outcome)
	require.Equal(t, puts, d.puts(), "nothing is written twice")
}

// Whatever the console answers, the system tries again within a minute, and says why it waits.
func TestReleaseOverdue_ConsoleDown(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	run := leased(d)
	d.now, d.scheduled, d.attempt = d.now.Add(3*time.Hour), d.now.Add(time.Hour), 99
	down := d.addFault(consoletest.Forbidden, "", 0)
	released, err := d.principal.ReleaseOverdue(d.alone(), run, time.Minute)
	require.Error(t, err)
	require.False(t, released)
	require.Equal(t, time.Minute, fault.Delay(err))
	waits := d.waitOf("grant/1")
	require.Len(t, waits, 1)
	require.True(t, waits[0].Release)
	require.Equal(t, 99, waits[0].Attempt)
	require.Equal(t, d.now.Add(time.Minute), *waits[0].NextTry)
	d.console.RemoveFault(down)
	released, err = d.principal.ReleaseOverdue(d.alone(), run, time.Minute)
	require.NoError(t, err)
	require.True(t, released)
	require.Empty(t, d.waitOf("grant/1"))
}

// An acquisition that was written and never proven is released at the end that it would have had.
func TestReleaseOverdue_Unproven(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.change(access.OpAcquire, lease("1", d.soc))
	began := d.now
	d.dieAt(in, "before the answer")
	require.Equal(t, holdings(d.viewer, d.soc), d.held())
	d.now = began.Add(time.Hour + time.Minute)
	released, err := d.principal.ReleaseOverdue(d.alone(), ledger.Run{Request: "grant/1", ID: "run"}, time.Minute)
	require.NoError(t, err)
	require.True(t, released)
	require.Equal(t, holdings(d.viewer), d.held())
}

// What a request has not given, or what has no end, is not released.
func TestReleaseOverdue_NothingDue(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.mustWrite(d.change(access.OpGrant, lease("1", d.soc)))
	d.now = d.now.Add(1000 * time.Hour)
	for _, request := range []string{"grant/1", "grant/none"} {
		released, err := d.principal.ReleaseOverdue(d.alone(), ledger.Run{Request: request, ID: "run"}, time.Minute)
		require.NoError(t, err)
		require.False(t, released, request)
	}
	require.Equal(t, holdings(d.viewer, d.soc), d.held())
}

// A role that becomes permanent between the look at the ledger and the lock stays, and no release of it is recorded:
// its reviewers have approved it in time, and the request was about to keep it.
func TestReleaseOverdue_KeptMeanwhile(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	plan := d.unreviewed()
	d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc)))
	began := d.now
	d.now = began.Add(4*time.Hour + time.Minute)
	looked := false
	d.principal.now = func() time.Time {
		if !looked {
			looked = true
			d.now = began.Add(4*time.Hour - time.Minute)
			d.approve(*plan)
			kept := d.mustWrite(d.change(access.OpGrant, lease("1", d.soc)))
			require.Equal(t, access.AlreadyHeld, kept.Proof.Outcome, kept.Message)
			d.now = began.Add(4*time.Hour + time.Minute)
		}
		return d.now
	}
	released, err := d.principal.ReleaseOverdue(d.alone(), ledger.Run{Request: "grant/1", ID: "run"}, time.Minute)
	require.NoError(t, err)
	require.True(t, looked)
	require.False(t, released)
	require.Equal(t, holdings(d.viewer, d.soc), d.held())
	record, err := d.principal.recordOf(d.alone(), ledger.Run{Request: "grant/1", ID: "run"})
	require.NoError(t, err)
	require.Empty(t, record.Proofs[access.ChangeKey("grant/1#run", access.OpRelease)].Outcome)
	require.Nil(t, record.Overdue)
	require.Empty(t, d.waitOf("grant/1"))
}

// unreviewed makes requests break-glass grants of permanent roles, and returns the plan of the next one.
func (d *grantFixture) unreviewed() *access.Plan {
	d.t.Helper()
	d.reviewed()
	p, err := policy.Parse("glass", []byte(breakGlassPolicy))
	require.NoError(d.t, err)
	out := new(access.Plan)
	d.planAs = func(plan *access.Plan) {
		plan.Op, plan.Terms.BreakGlass, plan.Terms.Duration = access.OpGrant, true, 0
		answer, err := p.Evaluate(policy.InputFromPlan(*plan, d.now))
		require.NoError(d.t, err)
		plan.Approval = answer.Approval
		*out = plan.Seal()
	}
	return out
}

// approve puts carol's approval of the plan of the first request on record.
func (d *grantFixture) approve(plan access.Plan) {
	d.t.Helper()
	run := ledger.Run{Request: "grant/1", ID: "run"}
	decision := access.Decision{At: d.now, By: "carol@example.com", Action: "approve", PlanHash: plan.Hash}
	_, err := d.store.Append(d.t.Context(), d.who.Console, ledger.NewEntry{
		Request: run.Request, Key: run.NumberedDecisionKey(0), At: d.now, Body: ledger.Decision{Decision: decision},
	})
	require.NoError(d.t, err)
}
