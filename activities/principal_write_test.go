package activities

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// operation is a change of each sort, with what it makes of somebody who holds Viewer at
// the first site and, unless it gives that, SOC at the second.
type operation struct {
	op      access.Op
	outcome access.Outcome
	begin   func(d *grantFixture) access.OwnershipState
	after   func(d *grantFixture) access.Holdings
}

func unknownState(*grantFixture) access.OwnershipState { return access.OwnershipState{} }

// leasedState makes the lease that is about to be released.
func leasedState(d *grantFixture) access.OwnershipState {
	return d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc))).Next
}

// grantedState makes by hand what is about to be taken away.
func grantedState(d *grantFixture) access.OwnershipState {
	d.editByHand(holdings(d.viewer, d.soc))
	return access.OwnershipState{}
}

var operations = []operation{
	{
		access.OpGrant,
		access.Applied,
		unknownState,
		func(d *grantFixture) access.Holdings { return holdings(d.viewer, d.soc) },
	},
	{
		access.OpAcquire,
		access.Applied,
		unknownState,
		func(d *grantFixture) access.Holdings { return holdings(d.viewer, d.soc) },
	},
	{
		access.OpRelease,
		access.Released,
		leasedState,
		func(d *grantFixture) access.Holdings { return holdings(d.viewer) },
	},
	{
		access.OpRevoke,
		access.Removed,
		grantedState,
		func(d *grantFixture) access.Holdings { return holdings(d.viewer) },
	},
	{access.OpReset, access.Applied, grantedState, func(d *grantFixture) access.Holdings { return holdings(d.soc) }},
	{
		access.OpDelete,
		access.Deleted,
		grantedState,
		func(*grantFixture) access.Holdings { return access.Holdings{}.Normal() },
	},
}

// each runs a test for each operation on a user and on a service user.
func eachOperation(t *testing.T, test func(t *testing.T, d *grantFixture, o operation, in wire.WriteInput)) {
	t.Helper()
	for _, kind := range []access.Kind{access.User, access.ServiceUser} {
		for _, o := range operations {
			t.Run(string(kind)+" "+string(o.op), func(t *testing.T) {
				t.Parallel()
				d := newGrantFixture(t, consoletest.Options{})
				if kind == access.ServiceUser {
					d.who = d.add(access.Principal{Kind: kind, Name: "svc.new", Description: "of ours"})
				}
				o.begin(d)
				in := d.change(o.op, lease("1", d.soc))
				d.console.ResetRequests()
				test(t, d, o, in)
			})
		}
	}
}

// Done twice, a change has one effect, and the second answer is the first.
func TestWrite_TwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	eachOperation(t, func(t *testing.T, d *grantFixture, o operation, in wire.WriteInput) { //nolint:thelper // is it
		first := d.mustWrite(in)
		kinds, sent := d.ledger("grant/1"), d.console.RequestCount()
		require.Equal(t, o.outcome, first.Proof.Outcome)
		require.Equal(t, o.after(d), d.held())
		require.Equal(t, o.after(d).Held, first.Proof.After.Held)
		require.True(t, first.Next.Proven.Equal(o.after(d)))
		require.Len(t, first.Proof.Writes, 1)
		require.Equal(t, http.StatusOK, first.Proof.Writes[0].Status)
		require.Len(t, first.Proof.Reads, 2, "before and after")
		require.Equal(t, 1, d.puts())

		again := d.mustWrite(in)
		require.Equal(t, kinds, d.ledger("grant/1"))
		if o.op == access.OpRelease {
			require.Equal(t, sent+1, d.console.RequestCount(), "a release is not believed from the ledger alone")
			require.Equal(t, o.after(d), again.Proof.Reads[2].Holdings)
			again.Proof.Reads = again.Proof.Reads[:2]
			sent++
		}
		require.Equal(t, first, again)
		require.Equal(t, sent, d.console.RequestCount(), "the console is not asked")
	})
}

// What is so already is proven by one read.
func TestWrite_AlreadySo(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	for i, c := range []struct {
		op access.Op
		h  access.Holding
		is access.Outcome
	}{
		{access.OpGrant, d.viewer, access.AlreadyHeld},
		{access.OpAcquire, d.viewer, access.AlreadyHeld},
		{access.OpReset, d.viewer, access.AlreadyHeld},
		{access.OpRevoke, d.soc, access.AlreadyAbsent},
		{access.OpRevoke, d.viewer, access.LastRoleStays},
		{access.OpRelease, d.soc, access.NotApplied},
	} {
		got := d.mustWrite(d.change(c.op, lease(string(rune('a'+i)), c.h)))
		require.Equal(t, c.is, got.Proof.Outcome, "%+v", c)
		require.Empty(t, got.Proof.Writes)
		require.Len(t, got.Proof.Reads, 1)
		require.Equal(t, c.is == access.LastRoleStays, got.Message != "", got.Message)
	}
	require.Zero(t, d.puts())
}

// An attempt that died is settled by reading: what it has sent is not sent again.
func TestWrite_AfterAnAttemptThatDied(t *testing.T) {
	t.Parallel()
	for point, more := range map[string]int{"before it sent": 1, "before the answer": 0, "before the proof": 0} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			eachOperation(
				t,
				func(t *testing.T, d *grantFixture, o operation, in wire.WriteInput) { //nolint:thelper // is it
					d.dieAt(in, point)
					before := d.puts()
					d.now = d.now.Add(time.Second)
					got := d.mustWrite(in)
					require.Equal(t, more, d.puts()-before)
					require.Equal(t, o.outcome, got.Proof.Outcome)
					require.Equal(t, o.after(d), d.held())
					require.True(t, got.Next.Proven.Equal(o.after(d)))
					require.True(t, o.op == access.OpDelete || got.Next.Desired().Equal(o.after(d)))
					require.Len(t, got.Proof.Writes, 1+more, "the evidence has what was sent")
					again := d.mustWrite(in)
					if o.op == access.OpRelease { // which is not believed from the ledger alone
						again.Proof.Reads = again.Proof.Reads[:len(got.Proof.Reads)]
					}
					require.Equal(t, got, again)
				},
			)
		})
	}
}

// dieAt is an attempt up to that point.
func (d *grantFixture) dieAt(in wire.WriteInput, point string) {
	d.t.Helper()
	w := d.principal.attempt(in)
	v, err := w.loadRecord(d.t.Context())
	require.NoError(d.t, err)
	require.True(d.t, v.Covered(), v.Text)
	require.NoError(d.t, w.loadOwnership(d.t.Context()))
	done, err := w.loadHistory(d.t.Context())
	require.NoError(d.t, err)
	require.Nil(d.t, done)
	actual, err := w.read(d.t.Context())
	require.NoError(d.t, err)
	step, err := w.plan(d.t.Context(), actual)
	require.NoError(d.t, err)
	if point == "before the proof" {
		said, err := w.recordAndSend(d.t.Context(), step, actual)
		require.NoError(d.t, err)
		require.NoError(d.t, said)
		require.NoError(d.t, w.note(d.t.Context()))
		return
	}
	require.NoError(d.t, w.note(d.t.Context(), w.entry(w.writeKey(len(w.writes)), sentWrite{
		Step: step, From: w.from,
		Write: access.Write{At: d.now, Call: w.call(step), Before: actual.Holdings, After: step.After},
	}.ledgerBody(w.principal))))
	if point == "before the answer" {
		require.NoError(d.t, w.sendToConsole(d.t.Context(), step))
	}
}

// Whatever goes wrong once at the write: the change is done once, with the proof, and
// sent at most twice; or it is finally refused, and nothing is done.
func TestWrite_EveryFaultAtTheWrite(t *testing.T) {
	t.Parallel()
	for _, kind := range consoletest.FaultKinds() {
		if kind == consoletest.Stale || kind == consoletest.EmptyPage || kind == consoletest.Vanish ||
			kind == consoletest.Slow {
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			id := d.addFault(kind, http.MethodPut, 1)
			got, err := d.untilDone(d.change(access.OpAcquire, lease("1", d.soc)))
			require.Equal(t, 1, d.console.FaultsFired(id))
			if err != nil {
				require.Contains(t, []consoletest.FaultKind{
					consoletest.Unauthorized, consoletest.Forbidden, consoletest.NotFound,
				}, kind)
				require.Empty(t, d.changes())
				require.Equal(t, 1, d.puts())
				require.Empty(t, d.waitOf("grant/1"))
				return
			}
			require.Equal(t, access.Applied, got.Proof.Outcome)
			require.Equal(t, holdings(d.viewer, d.soc), d.held())
			require.Equal(t, []access.Holdings{holdings(d.viewer, d.soc)}, d.changes())
			require.LessOrEqual(t, d.puts(), 2)
			require.Empty(t, d.waitOf("grant/1"), "it waits no longer")
		})
	}
}

// After the work is done it is not sent again, whatever the console says.
func TestWrite_DoneAndNotSaid(t *testing.T) {
	t.Parallel()
	for _, kind := range []consoletest.FaultKind{consoletest.CutAfter, consoletest.ErrorAfter, consoletest.Truncated} {
		d := newGrantFixture(t, consoletest.Options{})
		d.addFault(kind, http.MethodPut, 0)
		got := d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc)))
		require.Equal(t, access.Applied, got.Proof.Outcome, kind)
		require.Equal(t, 1, d.puts(), kind)
		require.NotEmpty(t, got.Proof.Writes[0].Error, kind)
	}
}

// A read that fails after the write is waited out, even if it would be final otherwise.
func TestWrite_ReadBackFails(t *testing.T) {
	t.Parallel()
	for _, kind := range []consoletest.FaultKind{
		consoletest.Forbidden, consoletest.Unauthorized, consoletest.ServerError,
	} {
		d := newGrantFixture(t, consoletest.Options{})
		d.console.AddFault(consoletest.Fault{
			Name: kind, Method: http.MethodGet, Path: "/users/" + d.who.ID, After: 1, Times: 2,
		})
		in := d.change(access.OpAcquire, lease("1", d.soc))
		d.retriedMessage(in)
		d.retriedMessage(in)
		require.Equal(t, access.Applied, d.mustWrite(in).Proof.Outcome, kind)
		require.Equal(t, 1, d.puts(), kind)
	}
}

// A collision is tried again, and one that does not end is final.
func TestWrite_Collisions(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.addFault(consoletest.Conflict, http.MethodPut, 4)
	got, err := d.untilDone(d.change(access.OpAcquire, lease("1", d.soc)))
	require.NoError(t, err)
	require.Equal(t, access.Applied, got.Proof.Outcome)
	require.Len(t, got.Proof.Writes, 5)

	d.addFault(consoletest.Conflict, http.MethodPut, 0)
	_, err = d.untilDone(d.change(access.OpGrant, lease("2", d.admin)))
	require.Equal(t, string(kinds.Conflict), attempttest.ApplicationError(t, err).Type())
	require.Equal(t, holdings(d.viewer, d.soc), d.held())
}

// A refusal is not final while something sent before, without an answer, may arrive.
func TestWrite_RefusedAfterSomethingUnanswered(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := d.change(access.OpAcquire, lease("1", d.soc))
	d.dieAt(in, "before it sent")
	d.addFault(consoletest.Forbidden, http.MethodPut, 0)
	require.Contains(t, d.retriedMessage(in), "403")
	d.now = d.now.Add(2 * visibilityDelay)
	_, err := d.write(in)
	require.Equal(t, string(kinds.Forbidden), attempttest.ApplicationError(t, err).Type())
}

// A write that is accepted and not shown is not sent again for half a minute.
func TestWrite_AcceptedAndNotShown(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	id := d.addFault(consoletest.Stale, http.MethodPut, 0)
	in := d.change(access.OpAcquire, lease("1", d.soc))
	for range 3 {
		require.Equal(t, errNotShown.Error(), d.retriedMessage(in))
		require.Equal(t, 1, d.puts())
		d.now = d.now.Add(visibilityDelay/3 - time.Second)
	}
	d.now = d.now.Add(5 * time.Second)
	d.retriedMessage(in)
	require.Equal(t, 2, d.puts(), "then it counts as lost")
	d.console.RemoveFault(id)
	got := d.mustWrite(in)
	require.Equal(t, access.Applied, got.Proof.Outcome)
	require.Equal(t, 2, d.puts())
	require.Equal(t, holdings(d.viewer), got.Next.Prior)
	require.Len(t, got.Next.Leases, 1)
}

// A console that shows what was there before our last change is taken at its word only
// after a while.
func TestWrite_ShowsWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	d.editByHand(holdings(d.viewer))
	in := d.change(access.OpRelease, lease("1", d.soc))
	require.Equal(t, errStaleRead.Error(), d.retriedMessage(in))
	d.now = d.now.Add(visibilityDelay - time.Second)
	require.Equal(t, errStaleRead.Error(), d.retriedMessage(in))
	d.now = d.now.Add(2 * time.Second)
	got := d.mustWrite(in)
	require.Equal(t, access.Superseded, got.Proof.Outcome)
	require.Len(t, got.Proof.Drift, 1)
	require.Equal(t, 1, d.puts())
}

// What someone changes between plan and write is planned anew; what they change
// elsewhere stays.
func TestWrite_SomeoneElseWrites(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	elsewhere := d.viewerAtThirdSite()
	in := d.change(access.OpAcquire, lease("1", d.soc))
	d.dieAt(in, "before it sent")
	d.editByHand(holdings(d.viewer, elsewhere))
	got := d.mustWrite(in)
	require.Equal(t, holdings(d.viewer, d.soc, elsewhere), d.held())
	require.Equal(t, holdings(d.viewer, elsewhere), got.Next.Baseline)
}

func TestWrite_PrincipalIsGone(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	require.True(t, d.console.RemoveUser(d.who.ID))
	_, err := d.write(d.change(access.OpGrant, lease("2", d.soc)))
	require.Equal(t, string(kinds.NotFound), attempttest.ApplicationError(t, err).Type())
	require.Contains(t, attempttest.ApplicationError(t, err).Message(), "no longer on the console")
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.soc))).Proof.Outcome)
	got := d.mustWrite(d.change(access.OpRevoke, lease("3", d.viewer)))
	require.Equal(t, access.AlreadyAbsent, got.Proof.Outcome)
	require.True(t, got.Proof.Reads[0].Gone)
	require.Contains(t, got.Proof.Drift, "the console no longer knows the principal")
	got = d.mustWrite(d.change(access.OpDelete, lease("4", d.soc)))
	require.Equal(t, access.AlreadyAbsent, got.Proof.Outcome)
}

// Access is neither given nor taken on the word of a worker of another console.
func TestWrite_OtherConsole(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.who.Console = "other.sentinelone.net"
	_, err := d.write(d.change(access.OpAcquire, lease("1", d.soc)))
	require.Equal(t, string(kinds.Conflict), attempttest.ApplicationError(t, err).Type())
	require.True(t, attempttest.ApplicationError(t, err).NonRetryable())
	require.Contains(
		t,
		d.retriedMessage(d.change(access.OpRelease, lease("1", d.soc))),
		"its own task queue",
	)
	_, err = executeActivity[wire.ConfirmResult](
		d,
		wire.ConfirmActivity,
		wire.ConfirmInput{Writer: d.who, Request: "grant/1"},
	)
	require.Equal(t, string(kinds.Conflict), attempttest.ApplicationError(t, err).Type())
	require.Zero(t, d.console.RequestCount())
}

// Nothing that writes leaves a worker that is read-only.
func TestWrite_ReadOnly(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{}, func(c *console.Config) { c.ReadOnly = true })
	_, err := d.write(d.change(access.OpAcquire, lease("1", d.soc)))
	require.Equal(t, string(kinds.ReadOnly), attempttest.ApplicationError(t, err).Type())
	d.editByHand(holdings(d.viewer, d.soc))
	require.Contains(
		t,
		d.retriedMessage(d.change(access.OpRevoke, lease("2", d.soc))),
		"read-only",
	)
	require.Zero(t, d.puts())
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	in := wire.ConfirmInput{Writer: d.who, Request: "grant/1", Absent: []access.Holding{d.soc}}
	d.addFault(consoletest.Forbidden, http.MethodGet, 1)
	_, err := executeActivity[wire.ConfirmResult](d, wire.ConfirmActivity, in)
	require.False(t, attempttest.ApplicationError(t, err).NonRetryable(), "whatever the console says is waited out")
	require.Equal(t, "confirm", d.waitOf("grant/1")[0].Step)
	got, err := executeActivity[wire.ConfirmResult](d, wire.ConfirmActivity, in)
	require.NoError(t, err)
	require.Equal(t, holdings(d.viewer), got.Read.Holdings)
	require.Empty(t, got.Drift)
	require.Empty(t, d.waitOf("grant/1"))
	d.editByHand(holdings(d.viewer, d.soc))
	got, err = executeActivity[wire.ConfirmResult](d, wire.ConfirmActivity, in)
	require.NoError(t, err)
	require.Len(t, got.Drift, 1)
}
