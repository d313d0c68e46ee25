package receipt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/receipt"
	"sentinelone-provisioner/internal/signing"
)

// Any receipt that can be read is judged, whatever it says.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"request":"grant/1","hash":"x","state":"expired","plan":{"op":"acquire","terms":{"duration":"4h"},` +
		`"approval":{"steps":[{"need":1}],"review":{"need":1,"within":"1h"}}},"extensions":[{"asked":{}},{}],` +
		`"proofs":[{"op":"acquire","outcome":"applied","writes":[{}]},` +
		`{"op":"release","outcome":"released","reads":[{}]}]}`))
	f.Add([]byte(`{"request":"grant/1","hash":"x","state":"granted","stop":{"action":"end"},` +
		`"ledgerHead":{"seal":"x y"},"facts":{},"plan":{"op":"grant","effect":{}},` +
		`"proofs":[{"op":"grant","outcome":"alreadyHeld"}]}`))
	p, err := policy.Parse("policy.yaml", []byte(policyText))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := signing.ParseReceipt(text)
		if err != nil {
			return
		}
		for _, with := range []receipt.Means{{}, {Policy: p}} {
			checks, err := receipt.Verify(r, with)
			require.NoError(t, err)
			require.NotEmpty(t, checks)
		}
	})
}
