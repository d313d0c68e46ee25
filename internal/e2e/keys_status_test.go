package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/testbed/grantworld"
)

// After a change of the key, `keys status` says which running requests still need the old one, and which key nothing
// needs. Without a key that is needed, it fails and names it.
func TestKeysStatus(t *testing.T) {
	t.Parallel()
	line := func(id string) string {
		return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(id[1:], 32))) + "\n"
	}
	keys := func(ids ...string) string {
		path := filepath.Join(t.TempDir(), "keys")
		var text strings.Builder
		for _, id := range ids {
			text.WriteString(line(id))
		}
		require.NoError(t, os.WriteFile(path, []byte(text.String()), 0o600))
		return path
	}
	r := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	r.useKeys(keys("k1"))
	r.startWorker()
	before := r.startGrant("/before", r.input("1h"))
	r.untilStatus(before, isActive)
	r.worker.Kill()

	r.useKeys(keys("k2", "k1", "k3"))
	r.startWorker()
	other := r.withUser("bob@example.com")
	after := r.startGrant("/after", other.inputFor(other.user, other.requested, "1h"))
	r.untilStatus(after, isActive)

	type answer struct {
		Workflows int `json:"workflows"`
		Keys      []struct {
			ID        string   `json:"id"`
			State     string   `json:"state"`
			Workflows []string `json:"workflows"`
		} `json:"keys"`
	}
	require.EventuallyWithT(t, func(c *assertT) { // the server's list of workflows follows
		said := r.starter("keys", "status", "-o", "json")
		require.Equal(c, 0, said.code, said.stderr)
		var got answer
		require.NoError(c, json.Unmarshal([]byte(said.stdout), &got))
		require.Len(c, got.Keys, 3)
		require.Equal(c, "k2 encrypts", got.Keys[0].ID+" "+got.Keys[0].State)
		require.Equal(c, "k1 needed", got.Keys[1].ID+" "+got.Keys[1].State)
		require.Equal(c, "k3 unneeded", got.Keys[2].ID+" "+got.Keys[2].State)
		require.Contains(c, got.Keys[0].Workflows, after.GetID())
		require.Contains(c, got.Keys[1].Workflows, before.GetID())
		require.NotContains(c, got.Keys[1].Workflows, after.GetID())
		require.Empty(c, got.Keys[2].Workflows)
	}, limit, 100*time.Millisecond)

	r.extraEnv = []string{"PAYLOAD_KEYS_FILE=" + keys("k2")}
	said := r.starter("keys", "status")
	require.Equal(t, 1, said.code)
	require.Contains(t, said.stderr, `the key "k1" is missing, and `)
	require.Regexp(t, `k1 +missing`, said.stdout)
}
