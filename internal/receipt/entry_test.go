package receipt_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/receipt"
	"sentinelone-provisioner/internal/signing"
)

// stored is the ledger's entry of a receipt.
func (s *scene) stored(r access.Receipt, seq int64) ledger.Entry {
	s.Helper()
	e, err := ledger.NewEntry{
		Request: r.Request, Key: ledger.Run{Request: r.Request, ID: r.Run}.ReceiptKey(),
		At: r.FinishedAt, Body: ledger.Receipt{Receipt: r},
	}.Entry(host, r.FinishedAt)
	require.NoError(s, err)
	e, head := ledger.Head{Seq: seq - 1}.Chain(e)
	e.Seal = s.sealer.Seal(host, head)
	return e
}

// The receipt of a database is verified with its ledger's own entry: its hash, its seal and that it
// is this receipt.
func TestVerify_EntryOfTheLedger(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	r := s.granted()
	r.Signed = r.HowSigned()
	r = r.Seal()
	ring := ledger.NewKeyring(1, s.sealer.Public())
	entry := s.stored(r, 1205)
	with := func(change func(*ledger.Entry, *receipt.Means)) receipt.Means {
		e, m := entry, s.with
		e.Body = bytes.Clone(e.Body)
		m.Ring = ring
		change(&e, &m)
		m.Entry = &e
		return m
	}
	check := func(m receipt.Means, result signing.Result) string { return strings.Join(s.verify(r, m, result), "\n") }

	whole := with(func(*ledger.Entry, *receipt.Means) {})
	require.Empty(t, check(whole, signing.Failed))
	require.Contains(t, check(whole, signing.OK), "ledger entry: entry 1205 of the ledger is this receipt, sealed")
	require.Empty(t, check(whole, signing.Failed))

	for why, change := range map[string]func(*ledger.Entry, *receipt.Means){
		"entry 1205 is not as it was written": func(e *ledger.Entry, _ *receipt.Means) { e.Prev = "ab" },
		"entry 1205 is not what key":          func(e *ledger.Entry, _ *receipt.Means) { e.Seal = s.stored(r, 7).Seal },
		"entry 1205 is not sealed":            func(e *ledger.Entry, _ *receipt.Means) { e.Seal = "" },
		"entry 1206 holds another receipt": func(e *ledger.Entry, _ *receipt.Means) {
			*e = s.stored(s.ended().Seal(), 1206)
		},
		"which is not trusted":         func(_ *ledger.Entry, m *receipt.Means) { m.Ring = ledger.NewKeyring(1) },
		"entry of kind \"receipt\" is": func(e *ledger.Entry, _ *receipt.Means) { e.Kind = ledger.KindProof },
	} {
		failed := check(with(change), signing.Failed)
		require.Contains(t, failed, "ledger entry: ", why)
		require.Contains(t, failed, why)
	}
	noKey := with(func(_ *ledger.Entry, m *receipt.Means) { m.Ring, m.LedgerKey = nil, nil })
	require.Contains(t, check(noKey, signing.Unchecked), "ledger entry: entry 1205 is sealed: pass")
	unsealed := with(func(e *ledger.Entry, m *receipt.Means) { e.Seal, m.Ring = "", nil })
	require.Contains(t, check(unsealed, signing.Unsigned), "ledger entry: entry 1205 is as it was written, and not")
}
