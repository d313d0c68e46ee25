package activities

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
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
