package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
)

// payloadData is the content of a payload in a history as JSON.
var payloadData = regexp.MustCompile(`"data": "([^"]*)"`)

// With the codec server, the official CLI shows what a history holds; without it, it does not.
func TestCodecServer_TemporalCLI(t *testing.T) {
	t.Parallel()
	r := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	r.useKeys(keyFile(t, "k1", "a"))
	r.startWorker()
	const reason = "INC-42, as ana@example.com asked"
	in := r.input("")
	in.Reason = reason
	run := r.startGrant("/held", in)
	r.result(run)

	const token = "the-bearer-token-of-a-codec-server"
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600))
	address := freeAddress(t)
	var said testbed.Output
	server, err := testbed.StartProcess(&said, r.env(), programs.Starter, "codec-server", "--listen", address,
		"--token-file", file)
	require.NoError(t, err)
	t.Cleanup(server.Kill)
	require.NoError(t, said.WaitFor(r.ctx(), "decodes at http://"+address, 1))

	show := func(more ...string) string {
		args := append([]string{"workflow", "show", "--workflow-id", run.GetID(), "--output", "json"}, more...)
		got := r.cli(args...)
		out := got.stdout + got.stderr
		for _, data := range payloadData.FindAllStringSubmatch(got.stdout, -1) {
			plain, err := base64.StdEncoding.DecodeString(data[1])
			require.NoError(t, err)
			out += "\n" + string(plain)
		}
		return out
	}
	endpoint := "http://" + address + "/{namespace}"
	shown := strings.Contains(show(), reason) // a history is too long for a message
	require.False(t, shown)
	shown = strings.Contains(show("--codec-endpoint", endpoint, "--codec-auth", "Bearer "+token), reason)
	require.True(t, shown)
	require.NotContains(t, said.String(), token)
	require.Equal(t, 1, strings.Count(said.String(), "without TLS"))
}
