package evidence_test

import (
	"database/sql"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/starter/conductorone/internal/storetest"
)

// withLongLists is a world in which a run has revoked a role of a principal with 2,000.
func withLongLists(t *testing.T) (w world, run ledger.Run, before access.Holdings) {
	t.Helper()
	w = newWorld(t)
	before = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "302", ScopeID: "203"}}}
	for i := range 2000 {
		before.Held = append(before.Held, access.HeldRole{RoleID: "302", ScopeID: strconv.Itoa(10000 + i)})
	}
	run = ledger.Run{Request: "revoke/INC-43", ID: "run"}
	after := before
	after.Held = before.Held[1:]
	entries := storetest.Entries(run, planOf(soc), access.Proof{
		Op: access.OpRevoke, Outcome: access.Removed, Before: before.Normal(),
		Reads: []access.Read{{At: noon, Holdings: after.Normal()}},
	})
	_, err := w.s.Append(t.Context(), storetest.Console, entries...)
	require.NoError(t, err)
	return w, run, before.Normal()
}

// tamper executes statements in the database past its triggers.
func (w world) tamper(statements ...string) {
	w.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(w.url, "sqlite://"))
	require.NoError(w, err)
	for _, statement := range statements {
		_, err = db.ExecContext(w.Context(), statement)
		require.NoError(w, err)
	}
	require.NoError(w, db.Close())
}

// A proof whose long list somebody has deleted is a proof all the same: it names what it changed.
func TestReader_WithoutALongList(t *testing.T) {
	t.Parallel()
	w, run, before := withLongLists(t)
	key := access.ChangeKey(run.String(), access.OpRevoke)
	proven := func(r authority.Record) bool { _, is := r.ProofOf(key); return is }

	record, err := w.Await(t.Context(), run, proven)
	require.NoError(t, err)
	proof, is := record.ProofOf(key)
	require.True(t, is)
	require.Equal(t, before, proof.Before, "with its list")

	w.tamper("DROP TRIGGER role_lists_no_delete", "DELETE FROM role_lists")
	record, err = w.Await(t.Context(), run, proven)
	require.NoError(t, err)
	proof, is = record.ProofOf(key)
	require.True(t, is)
	require.True(t, proof.Before.IsBrief())
	require.Equal(t, before.Len(), proof.Before.Len())
	latest := w.latest()
	require.True(t, latest.Known)
	require.False(t, latest.Holds(soc))
	require.False(t, latest.Lacks(soc), "another role at the scope may be in the list")
	runs, err := w.Runs(t.Context(), run.Request)
	require.NoError(t, err)
	require.Len(t, runs, 1)
}

// A database that does not answer, or an entry that does not decode, is an error and never an answer without proof.
func TestReader_Unreadable(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string][]string{
		"ledger": {"DROP TABLE ledger"},
		"lists":  {"DROP TABLE role_lists"},
		"entry":  {"DROP TRIGGER ledger_no_update", "UPDATE ledger SET body = '{}x' WHERE kind = 'proof'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, run, _ := withLongLists(t)
			w.tamper(broken...)
			_, err := w.Await(t.Context(), run, isGiven)
			require.Error(t, err)
			_, err = w.Runs(t.Context(), run.Request)
			require.Error(t, err)
			_, err = w.Latest(t.Context(), carol)
			require.ErrorContains(t, err, "cannot read the last change of user 403 from the ledger")
		})
	}
}
