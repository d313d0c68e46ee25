package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// People find requests by the word that their workflow ids begin with.
func TestKindOf_BeginsTheWorkflowID(t *testing.T) {
	t.Parallel()
	for op, id := range map[access.Op]string{
		access.OpGrant: wire.GrantID("1"), access.OpAcquire: wire.GrantID("1"),
		access.OpRevoke: wire.RevokeID("1"), access.OpCreate: wire.ProvisionID("1"),
		access.OpDelete: wire.OffboardID("1"), access.OpReset: wire.OffboardID("1"),
	} {
		require.Equal(t, id, kindOf(op)+"/1", op)
	}
}
