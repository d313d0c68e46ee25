package activities

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// What somebody in the namespace has the writer do without a request is not written. It is
// recorded, counted and told, once.
func TestUnauthorized_RecordedCountedAndTold(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	told := newNotifyFixture(t, d.store, d.client.Console())
	d.principal.Notifying(told.notify)
	evil := wire.WriteInput{Writer: d.who, Change: wire.ChangeRequest{
		Key: "grant/EVIL#run/grant", Request: "grant/EVIL",
		Change: access.Change{Op: access.OpGrant, Lease: lease("EVIL", d.admin)},
	}}
	for range 2 {
		got := d.mustWrite(evil)
		require.Equal(t, access.Unauthorized, got.Proof.Outcome)
		require.Contains(t, got.Message, "not authorized: the ledger holds no request grant/EVIL#run with a plan")
	}
	require.Equal(t, []ledger.Kind{ledger.KindUnauthorized}, d.ledger("grant/EVIL"))
	require.EqualValues(t, 2, d.counted[UnauthorizedMetric])
	event := told.onlyDelivery(wire.EventUnauthorized)
	require.Equal(t, "grant/EVIL", event.Request)
	require.Zero(t, d.console.RequestCount())

	// A key that is of no request is recorded too, bounded, as belonging to none.
	evil.Change.Key = strings.Repeat("x", 1<<20)
	require.Equal(t, access.Unauthorized, d.mustWrite(evil).Proof.Outcome)
	entries, err := d.store.LedgerOf(t.Context(), d.client.Console(), string(ledger.KindUnauthorized))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Less(t, len(entries[0].Body), 10_000)
}
