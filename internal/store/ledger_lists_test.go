package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// manyAt is a list of n roles at sites.
func manyAt(n int) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for i := range n {
		out.Held = append(out.Held, access.HeldRole{RoleID: "1", ScopeID: fmt.Sprintf("1535334414585%06d", i)})
	}
	return out.Normal()
}

// provenBy is an entry that names a list before and one after.
func provenBy(n string, before, after access.Holdings) ledger.NewEntry {
	run := ledger.Run{Request: "grant/" + n, ID: "run"}
	key := access.ChangeKey(run.String(), access.OpAcquire)
	return ledger.NewEntry{Request: run.Request, Key: ledger.ProofKey(key), Body: ledger.Proof{
		Principal: &ledger.Subject{Kind: access.User, ID: "7"},
		Proof: access.Proof{
			Op: access.OpAcquire, Key: key, Before: before, After: after, Reads: []access.Read{{Holdings: after}},
		},
		Roles: &ledger.RoleProof{Next: access.OwnershipState{Baseline: before, Proven: after, Known: true}},
	}}
}

// countLists is how many lists the store keeps.
func (db database) countLists() int {
	db.t.Helper()
	var n int
	require.NoError(db.t, db.s.DB().QueryRowContext(db.t.Context(), "SELECT count(*) FROM role_lists").Scan(&n))
	return n
}

// An entry has number and digest of a long list, and the list is kept once. It comes back whole where it is asked for.
func TestAppend_KeepsLongListsOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		ctx := db.t.Context()
		before, after := manyAt(6000), manyAt(6001)
		entries, err := db.s.Append(ctx, acme, provenBy("1", before, after), provenBy("2", after, before))
		require.NoError(db.t, err)
		for _, e := range entries {
			require.Less(db.t, len(e.Body), 2000, "bytes")
		}
		require.Equal(db.t, 2, db.countLists())
		kept, err := ledger.DecodeAs[ledger.Proof](entries[0])
		require.NoError(db.t, err)
		require.True(db.t, kept.Proof.After.IsBrief())
		require.Equal(db.t, 6001, kept.Proof.After.Len())
		require.NoError(db.t, db.s.LoadLists(ctx, acme, &kept.Proof, &kept.Roles.Next))
		require.Equal(db.t, before, kept.Roles.Next.Baseline)
		require.Equal(db.t, after, kept.Proof.Reads[0].Holdings)

		_, err = db.s.Append(ctx, acme, provenBy("1", before, after))
		require.NoError(db.t, err)
		_, err = db.s.Append(ctx, acme, provenBy("3", manyAt(access.MaxListed), manyAt(access.MaxListed)))
		require.NoError(db.t, err)
		require.Equal(db.t, 2, db.countLists(), "short lists stay in the entry")
		report, err := db.s.VerifyLedger(ctx, acme)
		require.NoError(db.t, err)
		require.Empty(db.t, report.Faults)
	})
}

// What an append that fails has named is not kept.
func TestAppend_KeepsNoListWithoutItsEntry(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		other := provenBy("1", manyAt(1), manyAt(1))
		_, err := db.s.Append(db.t.Context(), acme, other)
		require.NoError(db.t, err)
		bad := provenBy("1", manyAt(60), manyAt(60))
		body, _ := bad.Body.(ledger.Proof)
		body.Principal = &ledger.Subject{Kind: access.User, ID: "8"}
		bad.Body = body
		_, err = db.s.Append(db.t.Context(), acme, bad)
		require.ErrorIs(db.t, err, ledger.ErrOtherAnswer)
		require.Zero(db.t, db.countLists())
	})
}

// A list is never changed or deleted; where somebody gets past that, it counts as missing, and the others come back.
func TestLoadLists_ChangedBehindOurBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		ctx := db.t.Context()
		short, long := manyAt(60), manyAt(6000)
		entries, err := db.s.Append(ctx, acme, provenBy("1", short, long))
		require.NoError(db.t, err)
		for _, statement := range []string{"UPDATE role_lists SET list = ''", "DELETE FROM role_lists"} {
			_, err = db.s.DB().ExecContext(ctx, statement)
			require.Error(db.t, err, statement)
		}
		db.disableTriggers("role_lists")
		_, err = db.s.DB().ExecContext(ctx,
			"UPDATE role_lists SET list = (SELECT r.list FROM role_lists r WHERE r.digest = $1) WHERE digest = $2",
			short.ListDigest(), long.ListDigest())
		require.NoError(db.t, err)
		kept, err := ledger.DecodeAs[ledger.Proof](entries[0])
		require.NoError(db.t, err)
		require.ErrorIs(db.t, db.s.LoadLists(ctx, acme, &kept.Proof), store.ErrNoList)
		require.Equal(db.t, short, kept.Proof.Before)
		require.True(db.t, kept.Proof.After.IsBrief())
		report, err := db.s.VerifyLedger(ctx, acme)
		require.NoError(db.t, err)
		require.Len(db.t, report.Faults, 1)
		require.Contains(db.t, report.Faults[0].Text, "a list of 6000 roles")
		require.ErrorIs(db.t, db.s.LoadLists(ctx, "other.sentinelone.net", &kept.Proof), store.ErrNoList)
	})
}

// disableTriggers is what somebody does who owns the database.
func (db database) disableTriggers(table string) {
	db.t.Helper()
	statements := []string{"ALTER TABLE " + table + " DISABLE TRIGGER USER"}
	if db.url[:6] == "sqlite" {
		statements = []string{
			"DROP TRIGGER " + table + "_no_update", "DROP TRIGGER " + table + "_no_delete",
			"DROP TRIGGER " + table + "_no_replace",
		}
	}
	for _, s := range statements {
		_, err := db.s.DB().ExecContext(db.t.Context(), s)
		require.NoError(db.t, err)
	}
}
