package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/wire"
)

// A break-glass grant that nobody has reviewed by its deadline is released, though grant and writer are terminated.
func TestOverdue_MissedReview(t *testing.T) {
	t.Parallel()
	r := newBreakGlassEnv(t, "30s")
	run := r.startGrant("", r.breakGlassInput(""))
	r.untilStatus(run, isInReview)
	deadline := time.Now().Add(30 * time.Second)
	r.terminate(run)
	r.untilReleased(run.GetID(), deadline)
	entries := r.overdueEntries(run.GetID())
	require.Len(t, entries, 1)
	require.Equal(t, "review", entries[0].Why)
}

// The workflow in the writer's place was started with a key that the worker does not have, so that the worker cannot
// read it and its task waits. The access ends all the same, and the writer is mended.
func TestOverdue_UndecodableWriter(t *testing.T) {
	t.Parallel()
	r := newGrantEnv(t)
	run := r.startGrant("", r.input("30s"))
	ends := *r.untilStatus(run, isActive).EndsAt
	r.terminate(run)
	r.startUnreadable(r.writerID(), wire.PrincipalType)
	require.NoError(t, r.workerOutput.WaitFor(r.ctx(), "A payload cannot be decrypted", 1))
	r.untilReleased(run.GetID(), ends)
	got := r.result(r.startRevoke("/after", r.requested))
	require.Equal(t, access.AlreadyAbsent, got.Outcome, got.Message)
}

// startUnreadable starts a workflow whose input is encrypted with a key that nobody else has.
func (r *grantEnv) startUnreadable(id, kind string) {
	r.t.Helper()
	secret := make([]byte, 32)
	_, err := rand.Read(secret)
	require.NoError(r.t, err)
	file := filepath.Join(r.t.TempDir(), "keys")
	require.NoError(r.t, os.WriteFile(file, []byte("other:"+base64.StdEncoding.EncodeToString(secret)), 0o600))
	keys, err := codec.ReadKeys(file)
	require.NoError(r.t, err)
	c, err := client.DialContext(r.ctx(), client.Options{
		HostPort: r.temporal.Address, DataConverter: codec.DataConverter(keys),
	})
	require.NoError(r.t, err)
	defer c.Close()
	_, err = c.ExecuteWorkflow(r.ctx(), client.StartWorkflowOptions{ID: id, TaskQueue: r.queue}, kind, "unreadable")
	require.NoError(r.t, err)
}
