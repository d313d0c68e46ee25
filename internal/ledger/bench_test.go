package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/ledger"
)

// BenchmarkSeal seals an entry and verifies the seal: what an append and authority pay for each.
func BenchmarkSeal(b *testing.B) {
	key := keyOfSeed("worker")
	e, err := ledger.NewEntry{
		Request: grant.Request, Key: grant.RequestKey(0), Body: bodies()["request"],
	}.Entry(console, noon)
	require.NoError(b, err)
	e, head := ledger.Head{}.Chain(e)
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			e.Seal = key.Seal(console, head)
		}
	})
	ring := ledger.NewKeyring(0, key.Public())
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, ring.VerifySeal(e))
		}
	})
}
