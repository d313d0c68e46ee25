package access_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// A proof of a change that was refused for weeks still fits into a history.
func TestProof_LeavesOutTheMiddleOfManyWrites(t *testing.T) {
	t.Parallel()
	all := make([]access.Write, 3000)
	for i := range all {
		all[i].Call = fmt.Sprint(i)
	}
	got := access.Proof{}.WithWrites(all)
	require.Len(t, got.Writes, 25)
	require.Equal(t, 2975, got.Omitted)
	require.Equal(t, "0", got.Writes[0].Call)
	require.Equal(t, "4", got.Writes[4].Call)
	require.Equal(t, "2980", got.Writes[5].Call)
	require.Equal(t, "2999", got.Writes[24].Call)
	require.Equal(t, all[:25], access.Proof{}.WithWrites(all[:25]).Writes)
	require.Len(t, all, 3000)
}

// A receipt says what unverified names leave open, and nothing where all are verified.
func TestSignedMeans(t *testing.T) {
	t.Parallel()
	require.Contains(t, access.SignedMeans(access.Unsigned), "one person can be the requester, both approvers")
	require.Contains(t, access.SignedMeans(access.PartlySigned), "names without a signature are claims")
	require.Empty(t, access.SignedMeans(access.AllSigned))
}
