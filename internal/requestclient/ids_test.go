package requestclient

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNewID(t *testing.T) {
	t.Parallel()
	a, b := NewID(), NewID()
	require.Regexp(t, `^[a-z0-9]{8}$`, a)
	require.NotEqual(t, a, b)
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"grant/X", "revoke/X", "provision/X", "offboard/X", "rotate/X", "X"},
		Candidates("X", Prefixes()...))
	require.Equal(t, []string{"revoke/X"}, Candidates("revoke/X", Prefixes()...))
	require.Equal(t, "X", ShortID("grant/X"))
	require.Equal(t, "revoke/X", ShortID("revoke/X"))
}
