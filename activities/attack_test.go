package activities

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// closeGrant is an attempt to close grant/1 in a state.
func (d *grantFixture) closeGrant(state string) (wire.CloseResult, error) {
	d.t.Helper()
	return executeActivity[wire.CloseResult](d, wire.CloseActivity, wire.CloseInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run", StartedAt: d.now}, State: state,
	})
}

// A request whose write has reached the console and has no proof, as after an attempt that was
// killed, does not end: otherwise the next change would take its role for a permanent one.
func TestClose_WriteWithoutAProof(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"cancelled", "refused"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			id := d.addFault(consoletest.Stale, http.MethodPut, 0)
			in := d.change(access.OpAcquire, lease("1", d.soc))
			d.retriedMessage(in)
			d.console.RemoveFault(id)
			d.now = d.now.Add(time.Hour)
			require.Equal(t, holdings(d.viewer, d.soc), d.held())

			_, err := d.closeGrant(state)
			app := attempttest.ApplicationError(t, err)
			require.False(t, app.NonRetryable())
			require.NotContains(t, d.ledger("grant/1"), ledger.KindReceipt)
			other := d.mustWrite(d.change(access.OpAcquire, lease("2", d.viewerAtThirdSite())))
			require.Equal(t, holdings(d.viewer), other.Next.Baseline)

			d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
			require.False(t, d.held().Holds(d.soc))
			_, err = d.closeGrant(state)
			require.NoError(t, err)
		})
	}
}

// Access that ends is not closed as granted while it is in force.
func TestClose_LeaseAsGranted(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	_, err := d.closeGrant("granted")
	require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
	require.NotContains(t, d.ledger("grant/1"), ledger.KindReceipt)
}

// The proof that an account was created, recorded late, does not hide that its roles are leased.
func TestWrite_AccountProofAfterALease(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	key := access.ChangeKey("provision/1#run", access.OpCreate)
	_, err := d.store.Append(t.Context(), d.who.Console, ledger.NewEntry{
		Request: "provision/1", Key: ledger.ProofKey(key), At: d.now, Body: ledger.Proof{
			Proof: access.Proof{
				Op: access.OpCreate, Key: key, Outcome: access.Created,
				Made: &access.PrincipalRef{Kind: d.who.Kind, ID: d.who.ID},
			}, Account: &ledger.AccountProof{},
		},
	})
	require.NoError(t, err)
	second := d.mustWrite(d.change(access.OpAcquire, lease("2", d.viewerAtThirdSite())))
	require.Equal(t, holdings(d.viewer), second.Next.Baseline)
	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	require.False(t, d.held().Holds(d.soc), "a lease is no baseline")
}

// What a read confirms follows from the proof and the ledger, not from who asks for the read.
func TestConfirm_BelievesNoInput(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	acquired := access.ChangeKey("grant/1#run", access.OpAcquire)
	confirm := func(key string, absent []access.Holding, whole bool) {
		t.Helper()
		_, err := executeActivity[wire.ConfirmResult](d, wire.ConfirmActivity, wire.ConfirmInput{
			Writer: d.who, Request: "grant/1", Key: key, Absent: absent, Whole: whole,
		})
		require.NoError(t, err)
	}
	confirm(acquired, nil, false)
	require.NotContains(t, d.ledger("grant/1"), ledger.KindConfirmation, "nothing was removed")

	d.mustWrite(d.change(access.OpRelease, lease("1", d.soc)))
	confirm(access.ChangeKey("grant/1#run", access.OpRelease), []access.Holding{d.viewer}, true)
	entries, err := d.store.LedgerOf(t.Context(), d.who.Console, "grant/1")
	require.NoError(t, err)
	last, err := ledger.DecodeAs[ledger.Confirmation](entries[len(entries)-1])
	require.NoError(t, err)
	require.False(t, last.Shown)
	require.Empty(t, last.Drift)
}

// The writer of roles does not settle the creation of an account.
func TestWrite_CreatesNoAccount(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.planAs = func(p *access.Plan) {
		p.Op, p.Account = access.OpCreate, &access.NewAccount{Kind: access.User, Email: "eve@example.com", Name: "Eve"}
		p.Principal = p.Account.Ref()
	}
	d.requested(access.OpGrant, lease("1", d.soc))
	got := d.mustWrite(d.change(access.OpCreate, lease("1", d.soc)))
	require.Equal(t, access.Unauthorized, got.Proof.Outcome)
	require.NotContains(t, d.ledger("grant/1"), ledger.KindProof)
}

// Whoever chooses the kind of a principal, in a change or a plan that is refused, puts no entry
// among the freezes or among a person's delegations, which decide what every request may do.
func TestSubjects_AreNotForged(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]access.Kind{"freeze": "console", "carol@example.com": "delegator"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newSignedFixture(t)
			in := d.change(access.OpAcquire, lease("1", d.soc))
			forged := in
			forged.Writer.Kind, forged.Writer.ID = kind, name
			require.Equal(t, access.Unauthorized, d.mustWrite(forged).Proof.Outcome)
			plan := d.grantInput()
			plan.Request.ID = "grant/2"
			plan.Principal = access.PrincipalSelector{Kind: kind, ID: name}
			require.Contains(t, d.plan(plan).Plan.Refusal, "signature is required")

			entries, err := d.store.LedgerOfSubject(t.Context(), d.who.Console, string(kind)+"/"+name, 0)
			require.NoError(t, err)
			require.Empty(t, entries)
			require.Equal(t, access.Applied, d.mustWrite(in).Proof.Outcome)
		})
	}
}

// An extension is decided at the time of the worker's clock, whatever time it claims.
func TestExtend_ClaimsAnotherTime(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.followPolicy(policyOfText(t, "groups: {soc: [carol@example.com, dora@example.com]}\n"+
		"rules:\n"+
		"  - {name: day, when: 'now < timestamp(\"2026-11-02T20:00:00Z\")', autoApprove: true, maxDuration: 240h}\n"+
		"  - {name: night, approvals: [{need: 1, from: [soc]}], maxDuration: 240h}\n"))
	in := d.grantInput()
	in.Op, in.Terms.Duration = access.OpAcquire, access.Duration(4*time.Hour)
	in.Request.StartedAt = d.now
	plan := d.plan(in).Plan
	require.False(t, plan.Approval.Required)
	ask := extendInput(in, plan, d.now, "bob@example.com", 20*time.Hour)
	d.now = d.now.Add(12 * time.Hour)
	got, err := executeActivity[wire.ExtendResult](d, wire.ExtendActivity, ask)
	require.NoError(t, err)
	require.True(t, got.Extension.Approval.Required)
	entries, err := d.store.LedgerOf(t.Context(), d.who.Console, in.Request.ID)
	require.NoError(t, err)
	require.Equal(t, d.now, entries[len(entries)-1].At)
}

// Operations that somebody has invented leave no entries: they would fill the record of a
// request that every later write reads.
func TestWrite_InventedOperations(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	d.mustWrite(d.change(access.OpAcquire, lease("1", d.soc)))
	before := d.ledger("grant/1")
	for _, op := range []access.Op{"a1", "a2", "confirm"} {
		in := d.change(access.OpAcquire, lease("1", d.soc))
		in.Change.Change.Op, in.Change.Key = op, access.ChangeKey(in.Change.Change.Lease.ID, op)
		require.Equal(t, access.Unauthorized, d.mustWrite(in).Proof.Outcome)
	}
	require.Equal(t, before, d.ledger("grant/1"))
}

// An attempt that finds the principal locked is made again within seconds, however long its
// change waits: a lock keeps no release out for minutes.
func TestRelease_LockedElsewhere(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	leasedState(d)
	lock, err := d.store.LockPrincipal(t.Context(), d.who.Console, string(d.who.Kind)+"/"+d.who.ID)
	require.NoError(t, err)
	d.now, d.attempt = d.now.Add(time.Hour), 40
	_, err = d.write(d.change(access.OpRelease, lease("1", d.soc)))
	require.Equal(t, 2*time.Second, attempttest.ApplicationError(t, err).NextRetryDelay())
	require.NoError(t, lock.Release(t.Context()))
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.soc))).Proof.Outcome)
}
