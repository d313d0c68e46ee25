package activities

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// Nothing is given on a ledger that somebody has changed, and what must end ends all the same.
func TestWrite_LedgerWasChanged(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(t.Context(), "sqlite://"+path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	d.store = db
	d.principal = NewPrincipal(d.client, db, NewAuthority(db, d.client.Console(), nil))
	d.principal.now = d.request.now

	leasedState(d)
	other := d.change(access.OpAcquire, lease("2", d.viewerAtThirdSite()))
	raw, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, raw.Close()) })
	for _, statement := range []string{
		"DROP TRIGGER ledger_no_update",
		`UPDATE ledger SET body = replace(body, 'bob@example.com', 'eve@example.com') WHERE request = 'grant/2'`,
	} {
		_, err = raw.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	require.Contains(t, d.retriedMessage(other), "access is not given on a ledger that was changed")
	require.Equal(t, access.Released, d.mustWrite(d.change(access.OpRelease, lease("1", d.soc))).Proof.Outcome)
	require.Equal(t, holdings(d.viewer), d.held())
}

// A last proof that does not count, or cannot be read, holds up no end, and lets no other lease outlive its own.
func TestWrite_LastProofDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"unreadable": `'{"nobody":"reads this"}'`,
		"changed":    `replace(body, '"op":"acquire"', '"op":"grant"')`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newGrantFixture(t, consoletest.Options{})
			path := filepath.Join(t.TempDir(), "store.db")
			db, err := store.Open(t.Context(), "sqlite://"+path)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			d.store = db
			d.principal = NewPrincipal(d.client, db, NewAuthority(db, d.client.Console(), nil))
			d.principal.now = d.request.now

			leased(d)
			d.mustWrite(d.change(access.OpAcquire, lease("2", d.viewerAtThirdSite())))
			d.proven(d.known())
			raw, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, raw.Close()) })
			for _, statement := range []string{
				"DROP TRIGGER ledger_no_update",
				"UPDATE ledger SET body = " + body + " WHERE request = 'grant/other' AND kind = 'proof'",
			} {
				_, err = raw.ExecContext(t.Context(), statement)
				require.NoError(t, err)
			}
			d.now = d.now.Add(2 * time.Hour)
			for _, request := range []string{"grant/1", "grant/2"} {
				run := ledger.Run{Request: request, ID: "run"}
				released, err := d.principal.ReleaseOverdue(d.alone(), run, time.Minute)
				require.NoError(t, err)
				require.True(t, released, request)
			}
			require.Equal(t, holdings(d.viewer), d.held())
		})
	}
}
