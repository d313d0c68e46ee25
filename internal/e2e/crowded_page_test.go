package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// An honest page of 400 users who hold 1,555 roles each has 86 MB. A worker syncs it in parts: its process
// stays within the heap's limit of 150 MiB, and what SQLite and the program itself take beside it.
func TestSync_PageOf86MB(t *testing.T) {
	t.Parallel()
	const users, roles, bound = 400, 1555, 250 << 20
	s := newStack(t, consoletest.Options{Sites: roles, Users: users, RolesEach: roles, ServiceUsers: -1})
	s.startWorker()
	got := s.runSync("")
	require.Equal(t, wire.StatePromoted, got.State)
	require.Equal(t, users, got.Counts["users"])
	require.Equal(t, users*roles, got.Counts["assignments"])
	_, err := s.worker.Stop(limit)
	require.NoError(t, err)
	require.Less(t, s.worker.PeakMemory(), int64(bound))
}
