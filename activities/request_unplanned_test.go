package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// A request that ended before there was a plan stands in the list of requests too, once.
func TestClose_OfWhatWasNeverPlanned(t *testing.T) {
	t.Parallel()
	d := newGrantFixture(t, consoletest.Options{})
	in := wire.CloseInput{
		Request: d.grantInput().Request, State: "failed", Message: `no user "nobody@example.com" is on the console`,
		Plan: access.Plan{Op: access.OpGrant, Terms: access.Terms{Requester: "bob@example.com"}},
	}
	for range 2 {
		out, err := executeActivity[wire.CloseResult](d, wire.CloseActivity, in)
		require.NoError(t, err)
		require.Equal(t, "failed", out.Receipt.State)
		require.True(t, out.Receipt.Intact())
	}
	require.Equal(t, []ledger.Kind{ledger.KindRequest, ledger.KindReceipt}, d.ledger("grant/1"))
	listed, err := d.store.Requests(t.Context(), store.RequestsQuery{Console: d.who.Console})
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.NotNil(t, listed[0].Receipt)
	require.Equal(t, in.Request.StartedAt.UTC(), listed[0].Request.At)
}
