package evidence_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

var (
	noon  = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	carol = access.PrincipalRef{Kind: access.User, ID: "403", Email: "carol@example.com"}
	soc   = access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "203"} // which a sync shows
	admin = access.Holding{Level: access.SiteLevel, RoleID: "301", ScopeID: "203"} // at the same site
	oslo  = access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "202"}
)

// world is a store and the reader of it.
type world struct {
	*testing.T
	evidence.Reader

	s   *store.Store
	url string
}

func newWorld(t *testing.T) world {
	t.Helper()
	s, url := storetest.Open(t)
	return world{T: t, s: s, url: url, Reader: evidence.Reader{
		Console: storetest.Console, Patience: time.Millisecond,
		Store: func(context.Context) (*store.Store, error) { return s, nil },
	}}
}

func holdings(list ...access.Holding) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for _, h := range list {
		out.Level = h.Level
		out.Held = append(out.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
	}
	return out.Normal()
}

func planOf(h access.Holding) access.Plan {
	return access.Plan{
		Op: access.OpGrant, Console: storetest.Console, Principal: carol, Role: access.RoleRef{ID: h.RoleID},
		Scope: access.ScopeRef{Level: h.Level, ID: h.ScopeID},
	}
}

// changed records a change of carol's roles that ended with that read.
func (w world) changed(run ledger.Run, op access.Op, at time.Time, after access.Holdings, owned access.OwnershipState) {
	w.Helper()
	key := access.ChangeKey(run.String(), op)
	_, err := w.s.Append(w.Context(), storetest.Console, ledger.NewEntry{
		Request: run.Request, Key: ledger.ProofKey(key), At: at, Body: ledger.Proof{
			Principal: &ledger.Subject{Kind: carol.Kind, ID: carol.ID}, Roles: &ledger.RoleProof{Next: owned},
			Proof: access.Proof{
				Op: op, Key: key, Outcome: access.Applied,
				Reads: []access.Read{{At: at.Add(-time.Second), Holdings: holdings()}, {At: at, Holdings: after}},
			},
		},
	})
	require.NoError(w, err)
}

func (w world) latest() evidence.Latest {
	w.Helper()
	out, err := w.Latest(w.Context(), carol)
	require.NoError(w, err)
	return out
}

func isGiven(r authority.Record) bool { _, given := r.Given(); return given }

// A database that lags behind is looked at again; what it never shows is no proof.
func TestAwait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run := ledger.Run{Request: "grant/c1-x", ID: "run"}
	got, err := w.Await(t.Context(), run, isGiven)
	require.NoError(t, err)
	require.False(t, isGiven(got))
	require.False(t, got.Requested())

	w.Patience = time.Hour
	soon, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	looks := 0
	w.Store = func(ctx context.Context) (*store.Store, error) {
		if looks++; looks == 2 {
			_, err := w.s.Append(ctx, storetest.Console, storetest.Entries(run, planOf(soc), access.Proof{
				Op: access.OpGrant, Outcome: access.Applied,
			})...)
			require.NoError(t, err)
		}
		return w.s, nil
	}
	got, err = w.Await(soon, run, isGiven)
	require.NoError(t, err, "it answers as soon as it is proven")
	require.True(t, isGiven(got))
	require.Equal(t, soc, got.Plan.Plan.Holding())

	other, err := evidence.Reader{Console: w.Console, Store: w.Store, Patience: time.Millisecond}.
		Await(t.Context(), ledger.Run{Request: "grant/c1-x", ID: "another"}, isGiven)
	require.NoError(t, err)
	require.False(t, isGiven(other), "the proof is that of one run")

	ctx, cancel := context.WithCancel(t.Context())
	_, err = w.Await(ctx, ledger.Run{Request: "grant/c1-y", ID: "run"}, func(authority.Record) bool {
		cancel() // while it waits
		return false
	})
	require.ErrorIs(t, err, context.Canceled)
	_, err = w.Await(ctx, ledger.Run{Request: "grant/c1-y", ID: "run"}, isGiven)
	require.ErrorIs(t, err, context.Canceled)
}

func TestRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"first", "second"} {
		_, err := w.s.Append(t.Context(), storetest.Console,
			storetest.Entries(ledger.Run{Request: "grant/c1-x", ID: id}, planOf(soc))...)
		require.NoError(t, err)
	}
	runs, err := w.Runs(t.Context(), "grant/c1-x")
	require.NoError(t, err)
	require.Len(t, runs, 2)
	require.Equal(t, []string{"first", "second"}, []string{runs[0].Run.ID, runs[1].Run.ID})

	// What a rule about drift has done stands under the drift, and under no run.
	drift := ledger.Drift{
		Action: "revert", Principal: carol, Holding: soc, Found: "unexplained", Since: noon, Policy: "p", Rule: "r",
	}
	_, err = w.s.Append(t.Context(), storetest.Console, ledger.NewEntry{
		Request: "grant/c1-x", Key: drift.EntryKey(), Body: drift,
	})
	require.NoError(t, err)
	runs, err = w.Runs(t.Context(), "grant/c1-x")
	require.NoError(t, err)
	require.Len(t, runs, 2)
	runs, err = w.Runs(t.Context(), "grant/c1-y")
	require.NoError(t, err)
	require.Empty(t, runs)
}

// What is newer counts: the read that ends a change, or a proven sync that began later.
func TestLatest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.False(t, w.latest().Known)
	storetest.Sync(t, w.s, "s0", noon.Add(-time.Hour), storetest.Small(), access.Roles, access.ServiceUsers)
	require.False(t, w.latest().Known, "no sync has proven the users")
	require.False(t, w.latest().Holds(soc))
	require.False(t, w.latest().Lacks(soc))

	storetest.Sync(t, w.s, "s1", noon, storetest.Small())
	require.True(t, w.latest().Holds(soc))
	require.True(t, w.latest().Lacks(oslo))
	require.False(t, w.latest().ByChange)

	run := ledger.Run{Request: "grant/INC-42", ID: "run"}
	lease := access.OwnershipState{Leases: []access.Lease{{ID: run.String(), Holding: oslo}}}
	w.changed(run, access.OpAcquire, noon.Add(time.Minute), holdings(oslo), lease)
	require.True(t, w.latest().Holds(oslo))
	require.True(t, w.latest().Lacks(soc))
	require.True(t, w.latest().ByChange)
	require.True(t, w.latest().IsLeased(oslo, "grant/c1-x"))
	require.False(t, w.latest().IsLeased(oslo, "grant/INC-42"))

	// The creation of an account says nothing of leases, and a sync that had begun before nothing of the change.
	key := access.ChangeKey("provision/x#run", access.OpCreate)
	_, err := w.s.Append(t.Context(), storetest.Console, ledger.NewEntry{
		Request: "provision/x", Key: ledger.ProofKey(key), Body: ledger.Proof{
			Account: &ledger.AccountProof{}, Proof: access.Proof{Op: access.OpCreate, Key: key, Made: &carol},
		},
	})
	require.NoError(t, err)
	storetest.Sync(t, w.s, "s2", noon.Add(30*time.Second), storetest.Small())
	require.True(t, w.latest().Holds(oslo))
	require.True(t, w.latest().IsLeased(oslo, "grant/c1-x"))

	storetest.Sync(t, w.s, "s3", noon.Add(2*time.Minute), storetest.Small())
	require.True(t, w.latest().Holds(soc))
	require.False(t, w.latest().Lacks(oslo), "a lease of it is in force")
	without := storetest.Small()
	without.Principals = without.Principals[:2]
	storetest.Sync(t, w.s, "s4", noon.Add(3*time.Minute), without)
	require.True(t, w.latest().Lacks(soc))
	require.True(t, w.latest().Lacks(oslo))
	require.False(t, w.latest().Holds(soc))
}

// A delta sync proves nothing of whom it did not read: what our last change has shown of them counts, though it is
// older than the delta, and newer than the last full sync.
func TestLatest_AfterADelta(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := storetest.Small()
	storetest.Sync(t, w.s, "full", noon, now)
	w.changed(ledger.Run{Request: "grant/INC-42", ID: "run"}, access.OpGrant, noon.Add(time.Minute), holdings(oslo),
		access.OwnershipState{Baseline: holdings(oslo)})
	w.changed(ledger.Run{Request: "grant/INC-43", ID: "run"}, access.OpGrant, noon.Add(2*time.Minute),
		holdings(soc, oslo), access.OwnershipState{})

	bob := now.Principals[1]
	bob.Name = "Bob Roy"
	storetest.Delta(t, w.s, "bob", noon.Add(time.Hour), bob)
	require.True(t, w.latest().ByChange, "the delta has read bob alone")
	require.True(t, w.latest().Holds(oslo))
	require.False(t, w.latest().Lacks(oslo))

	refetched := now.Principals[2]
	refetched.Name = "Carol Roy"
	storetest.Delta(t, w.s, "carol", noon.Add(2*time.Hour), refetched)
	require.False(t, w.latest().ByChange, "the delta has read carol")
	require.Equal(t, noon.Add(2*time.Hour), w.latest().Read.At.UTC())
	require.True(t, w.latest().Lacks(oslo))

	storetest.DeltaOf(t, w.s, "gone", noon.Add(3*time.Hour), map[access.Collection]store.DeltaPart{
		access.Users: {Gone: []string{carol.ID}},
	})
	require.True(t, w.latest().Lacks(soc))
	require.Equal(t, noon.Add(3*time.Hour), w.latest().Read.At.UTC())
}

// Of an account, what its last change has shown counts, and of its leases what the last change of roles says.
func TestLatest_OfAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, h := range []access.Holding{soc, oslo} {
		run := ledger.Run{Request: []string{"grant/INC-41", "grant/INC-42"}[i], ID: "run"}
		w.changed(run, access.OpAcquire, noon.Add(time.Duration(i+1)*time.Minute), holdings(h), access.OwnershipState{
			Leases: []access.Lease{{ID: run.String(), Holding: h}},
		})
	}
	sent := access.ChangeKey("grant/INC-43#run", access.OpAcquire) // and no proof yet
	_, err := w.s.Append(t.Context(), storetest.Console, ledger.NewEntry{
		Request: "grant/INC-43", Key: ledger.WriteKey(sent, 1), Body: ledger.Write{
			Principal: &ledger.Subject{Kind: carol.Kind, ID: carol.ID}, Roles: &ledger.RoleWrite{},
		},
	})
	require.NoError(t, err)
	key := access.ChangeKey("provision/x#run", access.OpCreate)
	_, err = w.s.Append(t.Context(), storetest.Console, ledger.NewEntry{
		Request: "provision/x", Key: ledger.ProofKey(key), Body: ledger.Proof{
			Account: &ledger.AccountProof{}, Proof: access.Proof{
				Op: access.OpCreate, Key: key, Made: &carol,
				Reads: []access.Read{{At: noon.Add(time.Hour), Holdings: holdings(admin)}},
			},
		},
	})
	require.NoError(t, err)
	require.True(t, w.latest().Holds(admin))
	require.True(t, w.latest().IsLeased(oslo, "grant/c1-x"))
	require.False(t, w.latest().IsLeased(soc, "grant/c1-x"))
}

// The ledger keeps long lists of roles beside its entries: what is read has them whole.
func TestReader_LongLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	many := access.Holdings{Level: access.SiteLevel}
	for i := range 2000 {
		many.Held = append(many.Held, access.HeldRole{RoleID: "302", ScopeID: strconv.Itoa(10000 + i)})
	}
	last := access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: many.Held[len(many.Held)-1].ScopeID}
	w.changed(ledger.Run{Request: "grant/INC-42", ID: "run"}, access.OpGrant, noon, many.Normal(),
		access.OwnershipState{})
	require.True(t, w.latest().Holds(last))

	run := ledger.Run{Request: "revoke/INC-43", ID: "run"}
	_, err := w.s.Append(t.Context(), storetest.Console, storetest.Entries(run, planOf(last), access.Proof{
		Op: access.OpRevoke, Outcome: access.Removed, Before: many.Normal(),
	})...)
	require.NoError(t, err)
	runs, err := w.Runs(t.Context(), run.Request)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	proof, found := runs[0].ProofOf(access.ChangeKey(run.String(), access.OpRevoke))
	require.True(t, found)
	require.True(t, proof.Before.Holds(last))
}

// A role is leased if nothing but time-bound requests of others gives it, and held if it is shown of who is there.
func TestLatest_IsLeased(t *testing.T) {
	t.Parallel()
	lease := access.Lease{ID: "grant/INC-42#run", Holding: soc}
	lost := lease
	lost.Lost = true
	of := func(baseline access.Holdings, leases ...access.Lease) bool {
		owned := access.OwnershipState{Baseline: baseline, Leases: leases}
		return evidence.Latest{Known: true, Owned: owned}.IsLeased(soc, "grant/c1-x")
	}
	require.True(t, of(holdings(), lease))
	require.False(t, of(holdings()))
	require.False(t, of(holdings(soc), lease), "it was there before")
	require.False(t, of(holdings(), lost), "somebody has removed it")
	require.False(t, of(holdings(), access.Lease{ID: lease.ID, Holding: oslo}))
	require.False(t, of(holdings(), lease, access.Lease{ID: "grant/c1-x#run", Holding: soc}), "its own")

	require.True(t, evidence.Latest{Known: true, Read: access.Read{Holdings: holdings(soc)}}.Holds(soc))
	require.False(t, evidence.Latest{Read: access.Read{Holdings: holdings(soc)}}.Holds(soc))
	require.False(t, evidence.Latest{Known: true, Read: access.Read{Gone: true, Holdings: holdings(soc)}}.Holds(soc))
}

// A time-bound grant hides the role that it replaces, and all roles at other levels.
func TestLatest_Lacks(t *testing.T) {
	t.Parallel()
	read := func(h access.Holdings) evidence.Latest {
		return evidence.Latest{Known: true, Read: access.Read{Holdings: h}}
	}
	require.True(t, read(holdings()).Lacks(soc))
	require.True(t, read(holdings(oslo)).Lacks(soc))
	require.False(t, read(holdings(admin)).Lacks(soc), "another role at the scope")
	require.False(t, read(holdings(access.Holding{Level: access.Tenant, RoleID: "301"})).Lacks(soc), "another level")
	require.False(t, read(access.Holdings{Level: access.SiteLevel, Count: 60, Digest: "x"}).Lacks(soc), "not known")
	require.False(t, evidence.Latest{}.Lacks(soc))
}
