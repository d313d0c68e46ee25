package store_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
)

// A run has its own entries: other runs of the same workflow id may be many, and the id of one may begin with that of
// another.
func TestLedgerOfRun(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		of := func(request, run string) ledger.Run { return ledger.Run{Request: request, ID: run} }
		var all []ledger.NewEntry
		for _, run := range []ledger.Run{of("grant/ü", "1"), of("grant/ü", "12"), of("grant/2", "1")} {
			all = append(all,
				ledger.NewEntry{Request: run.Request, Key: run.RequestKey(0), At: began, Body: ledger.Request{}},
				ledger.NewEntry{Request: run.Request, Key: run.ReceiptKey(), At: began, Body: ledger.Receipt{}})
		}
		appended := appendTo(db.t, db.s, acme, all...)
		appendTo(db.t, db.s, "other.sentinelone.net", all...)
		for i, run := range []ledger.Run{of("grant/ü", "1"), of("grant/ü", "12"), of("grant/2", "1")} {
			got, err := db.s.LedgerOfRun(db.t.Context(), acme, run)
			require.NoError(db.t, err)
			require.Equal(db.t, appended[2*i:2*i+2], got)
		}
		got, err := db.s.LedgerOfRun(db.t.Context(), acme, of("grant/ü", "2"))
		require.NoError(db.t, err)
		require.Empty(db.t, got)
	})
}
