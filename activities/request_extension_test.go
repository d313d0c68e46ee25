package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// Who moved an end is in the ledger, once, however often it is said.
func TestNoteExtension(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := wire.ApplyInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run"}, Change: wire.ChangeRequest{Key: "grant/1#run/extend/1"},
		Extension: &access.Extension{
			At: d.now, By: "bob@example.com", Duration: access.Duration(time.Hour), EndsAt: d.now.Add(3 * time.Hour),
		},
	}
	for range 2 {
		require.NoError(t, d.request.recordExtension(t.Context(), in))
	}
	require.NoError(t, d.request.recordExtension(t.Context(), wire.ApplyInput{Request: in.Request}))
	entries, err := d.store.LedgerOf(t.Context(), d.client.Console(), "grant/1")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, ledger.KindExtension, entries[0].Kind)
	require.JSONEq(t, `{"extension":{"at":"2026-11-02T09:00:00Z","by":"bob@example.com","duration":"1h",
		"endsAt":"2026-11-02T12:00:00Z"}}`, string(entries[0].Body))
}
