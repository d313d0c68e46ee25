package e2e

import (
	"database/sql"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	_ "modernc.org/sqlite"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed/grantworld"
)

// keyFile writes a file with one key, made of a letter.
func keyFile(t *testing.T, id, letter string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	text := id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// A worker without the key that running requests need, or with another one under its id, does not
// start. One that starts nevertheless, since nobody knew the key, ends nothing: workflows and activities
// that meet the payloads wait, the log says for what, and with the key they go on.
func TestPayloadKeys_RestartWithoutThem(t *testing.T) {
	t.Parallel()
	s := prepareGrantEnv(t, newStack(t, grantworld.Options()))
	keys := keyFile(t, "k1", "a")
	s.useKeys(keys)
	ana, bob := s.user, s.withUser("bob@example.com").user
	s.startWorker()
	before := s.holdings()

	waiting := s.startGrant("ana", s.inputFor(ana, s.requested, "45s"))
	s.untilHolds(true)
	// What ends bob's access fails until the fault is cleared.
	releasing := s.startGrant("bob", s.inputFor(bob, s.requested, "20s"))
	other := *s
	other.user = bob
	other.untilHolds(true)
	s.console.AddFault(consoletest.Fault{Name: consoletest.ServerError, Method: http.MethodPut})
	require.NoError(t, s.console.WaitForRequests(s.ctx(), 1, func(r consoletest.Request) bool {
		return r.Method == http.MethodPut && r.Status == http.StatusInternalServerError
	}))
	s.worker.Kill()

	for name, file := range map[string]string{"none": "", "another": keyFile(t, "k1", "b")} {
		refused := runProgram(t, append(s.env(), "PAYLOAD_KEYS_FILE="+file), programs.Worker)
		require.Equal(t, 2, refused.code, name+refused.stderr)
		require.Contains(t, refused.stderr, "error: PAYLOAD_KEYS_FILE:\n", name)
		if file == "" {
			require.Contains(t, refused.stderr, `the key "k1" is missing, and 2 running requests (grant/`)
			require.Contains(t, refused.stderr, `may be encrypted with it: add its line again`)
		} else {
			require.Contains(t, refused.stderr, `another key under the id "k1"`)
		}
	}

	s.forgetKeys()
	s.extraEnv = nil
	s.startWorker()
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), `"workflow_type":"Grant","activity":"",`, 1))
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(), `"workflow_type":"Principal","activity":"Principal.Write",`, 1))
	require.NoError(t, s.workerOutput.WaitFor(s.ctx(),
		"A payload cannot be decrypted: what needs it waits for the key", 1))
	for _, run := range []client.WorkflowRun{waiting, releasing} {
		got, err := s.client.DescribeWorkflowExecution(s.ctx(), run.GetID(), "")
		require.NoError(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, got.GetWorkflowExecutionInfo().GetStatus())
	}
	s.worker.Kill()

	s.forgetKeys()
	s.console.ClearFaults()
	s.useKeys(keys)
	s.startWorker()
	for _, run := range []client.WorkflowRun{waiting, releasing} {
		require.Equal(t, "expired", s.result(run).State)
	}
	require.Equal(t, before, s.holdings())
	require.Equal(t, before, other.holdings())
	s.requireLedger()
}

// useKeys encrypts what workers started from now on, and the client of the test, send to Temporal.
func (s *stack) useKeys(file string) {
	s.t.Helper()
	s.extraEnv = []string{"PAYLOAD_KEYS_FILE=" + file}
	keys, err := codec.ReadKeys(file)
	require.NoError(s.t, err)
	s.client, err = client.DialContext(s.ctx(), client.Options{
		HostPort: s.temporal.Address, DataConverter: codec.DataConverter(keys),
	})
	require.NoError(s.t, err)
	s.t.Cleanup(s.client.Close)
}

// forgetKeys leaves the store as one that was restored from before the keys came.
func (s *stack) forgetKeys() {
	s.t.Helper()
	s.execute("DELETE FROM payload_keys")
}

// execute changes the database beside the worker.
func (s *stack) execute(statement string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(s.database, "sqlite://"))
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, db.Close()) }()
	_, err = db.ExecContext(s.ctx(), statement)
	require.NoError(s.t, err)
}
