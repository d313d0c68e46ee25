package e2e

import (
	"fmt"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

// A quarantined sync is decided by an action: who is gone is still read after it is discarded, and not once it is
// confirmed.
func TestActions_DecideSync(t *testing.T) {
	t.Parallel()
	e := newProvisionEnv(t, testbed.AutoApprove)
	var last access.Principal
	for i := range 20 {
		last = e.world.AddUser(fmt.Sprintf("user%d@example.com", i))
	}
	e.sync()
	require.True(t, e.console.RemoveUser(last.ID))
	e.console.RemoveUsers(15)
	c := e.connect()
	read := func() error {
		_, err := c.GetResource(e.ctx(), v2.ResourceGetterServiceGetResourceRequest_builder{
			ResourceId: resources.PrincipalID(access.User, last.ID),
		}.Build())
		return err
	}
	for _, action := range []string{"discard_sync", "confirm_sync"} {
		run := e.startSync()
		e.untilState(run, wire.StateQuarantined)
		require.NoError(t, read())
		decided := e.action(c, action, map[string]any{"reason": "sites were closed"})
		require.Equal(t, true, decided["success"], decided)
		require.Equal(t, action == "confirm_sync", e.syncResult(run).State == wire.StatePromoted)
	}
	require.Equal(t, codes.NotFound, status.Code(read()))
}
