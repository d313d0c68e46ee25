package receipt_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
)

// Receipts of what was done as it was approved hold, in every check.
func TestVerify_Holds(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for name, r := range map[string]access.Receipt{
		"expired": s.expired(), "granted": s.granted(), "ended": s.ended(), "extended": s.extended(),
		"glass": s.glass(), "own team": s.ownTeam(), "revoked": s.revoked(),
	} {
		require.Empty(t, s.verify(r, s.with, signing.Failed), name)
		require.Empty(t, s.verify(r, s.with, signing.Unchecked), name)
		require.Empty(t, s.verify(r, s.with, signing.Unsigned), name)
		require.Contains(t, strings.Join(s.verify(r, s.with, signing.OK), "\n"), "\nstate: "+r.State+": ", name)
	}
}
