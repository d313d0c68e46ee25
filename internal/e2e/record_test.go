//go:build record

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// scenario brings about one outcome of a workflow on a stack with a worker, and returns the
// id of that workflow.
type scenario func(*stack) (workflowID string)

// recordRequest records the request that a scenario returns.
func recordRequest(run func(*grantEnv) client.WorkflowRun) scenario {
	return func(s *stack) string {
		request := run(prepareGrantEnv(s.t, s))
		_ = request.Get(s.ctx(), nil) // the scenario has checked it, or it fails on purpose
		return request.GetID()
	}
}

// recordings are the scenarios by type of workflow, with the policy that they need: one
// that approves everything if it is empty.
var recordings = []struct {
	workflow  string
	policy    string
	scenarios map[string]scenario
}{
	{wire.SyncType, "", syncScenarios},
	{wire.SyncType, "", openSyncScenarios},
	{wire.GrantType, "", grantScenarios},
	{wire.GrantType, "", endScenarios},
	{wire.GrantType, oneLeadPolicy, decidedEndScenarios},
	{wire.GrantType, conflictPolicy, conflictScenarios},
	{wire.GrantType, deleteLastRolePolicy, lastRoleGrantScenarios},
	{wire.GrantType, twoLeadsShortPolicy, approvalScenarios},
	{wire.GrantType, escalationPolicy, escalationScenarios},
	{wire.GrantType, twoStepsPolicy, stepScenarios},
	{wire.GrantType, breakGlassPolicy("10s"), breakGlassScenarios},
	{wire.GrantType, extensionPolicy, extensionScenarios},
	{wire.GrantType, "", openGrantScenarios},
	{wire.GrantType, openLeadsPolicy, openApprovalScenarios},
	{wire.GrantType, breakGlassPolicy("24h"), openReviewScenarios},
	{wire.RevokeType, "", revokeScenarios},
	{wire.RevokeType, oneLeadShortPolicy, revokeApprovalScenarios},
	{wire.RevokeType, deleteLastRolePolicy, lastRoleRevokeScenarios},
	{wire.RevokeType, openLeadsPolicy, openRevokeScenarios},
	{wire.RevokeType, revertPolicy, driftScenarios},
	{wire.DelegateType, "", delegateScenarios},
	{wire.FreezeType, "", freezeScenarios},
	{wire.PrincipalType, "", principalScenarios},
	{wire.PrincipalType, "", writerEndScenarios},
	{wire.PrincipalType, "", openWriterScenarios},
	{wire.NotifyType, "", notifyScenarios},
	{wire.ProvisionUserType, "", userScenarios},
	{wire.ProvisionUserType, oneLeadShortPolicy, userApprovalScenarios},
	{wire.ProvisionUserType, openLeadsPolicy, openUserScenarios},
	{wire.ProvisionServiceUserType, "", serviceUserScenarios},
	{wire.OffboardType, "", offboardScenarios},
	{wire.RotateTokenType, tokensAutoApproved, rotateScenarios},
	{wire.ConnectionType, "", connectionScenarios},
}

// TestRecordHistories records one history per outcome of each workflow, from our worker
// on a real dev server, into workflows/testdata/histories/$RELEASE/<type>. Names that begin with
// open_ are of workflows that go on, those with encrypted_ are encrypted with the key of
// testKeys. Run it with
// `make histories RELEASE=…` on code that has landed. A recorded file is never edited and
// never recorded again: the test skips an outcome that has a file. HISTORIES names another
// folder, for a trial.
func TestRecordHistories(t *testing.T) {
	release := os.Getenv("RELEASE")
	require.NotEmpty(t, release, "RELEASE is not set: run make histories RELEASE=0.4.0")
	histories := os.Getenv("HISTORIES")
	if histories == "" {
		root, err := testbed.ModuleRoot()
		require.NoError(t, err)
		histories = filepath.Join(root, "workflows", "testdata", "histories")
	}
	files := map[string]bool{}
	t.Run("all", func(t *testing.T) { // waits for the parallel tests in it
		for _, r := range recordings {
			dir := filepath.Join(histories, release, r.workflow)
			require.NoError(t, os.MkdirAll(dir, 0o755))
			for name, run := range r.scenarios {
				file := filepath.Join(dir, name+".json")
				require.False(t, files[file], "%s: two scenarios have this name", file)
				files[file] = true
				t.Run(r.workflow+"/"+name, func(t *testing.T) {
					t.Parallel()
					record(t, file, r.policy, run)
				})
			}
		}
	})
	writeManifest(t, histories)
}

// consoleOf is the console for scenarios of a workflow: a sync needs users, and requests
// need none but those that a scenario adds. Who holds many roles needs as many sites.
func consoleOf(workflow, name string) consoletest.Options {
	if workflow == wire.SyncType {
		return consoletest.Options{Seed: 71, Users: 60}
	}
	o := grantworld.Options()
	if strings.HasPrefix(name, manyRolesName) {
		o.Sites += access.MaxListed + 10
	}
	return o
}

// record writes the history of the workflow whose id the scenario returns.
func record(t *testing.T, file, policy string, run scenario) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		t.Logf("%s is recorded already and stays as it is", file)
		return
	}
	s := newStack(t, consoleOf(filepath.Base(filepath.Dir(file)), filepath.Base(file)))
	if policy != "" {
		s.setPolicy(policy)
	}
	s.extraEnv = []string{"SERVICE_USER_TOKEN_DIR=" + filepath.Join(t.TempDir(), "tokens")}
	name, encrypted := strings.CutPrefix(filepath.Base(file), "encrypted_")
	if encrypted {
		s.encryptWithTestKeys()
	}
	s.startWorker()
	h := s.recorded(run(s), strings.HasPrefix(name, "open_"))
	require.Equal(t, encrypted, strings.Contains(h.String(), "encryption-key-id"))
	body, err := protojson.MarshalOptions{Indent: " "}.Marshal(h)
	require.NoError(t, err)
	var stable json.RawMessage = body // protojson varies its white space
	body, err = json.MarshalIndent(stable, "", " ")
	require.NoError(t, err)
	to, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	require.NoError(t, err)
	_, err = to.Write(append(anonymize(body), '\n'))
	require.NoError(t, err)
	require.NoError(t, to.Close())
}

// closingEvents are the events with which a history ends.
var closingEvents = []enumspb.EventType{
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
}

// The fields of a history that name the machine: the identity of a worker or client, and the
// sticky task queue, whose name begins with the host.
var (
	identity = regexp.MustCompile(`"identity": "[^"]*"`)
	sticky   = regexp.MustCompile(`"name": "[^"]*",(\s*"kind": "TASK_QUEUE_KIND_STICKY")`)
)

// anonymize replaces what names the machine.
func anonymize(body []byte) []byte {
	body = identity.ReplaceAll(body, []byte(`"identity": "recorder"`))
	return sticky.ReplaceAll(body, []byte(`"name": "sticky",$1`))
}

// writeManifest lists every recorded history, so that a test notices a lost one.
func writeManifest(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.json"))
	require.NoError(t, err)
	for i, f := range files {
		files[i], err = filepath.Rel(dir, f)
		require.NoError(t, err)
	}
	slices.Sort(files)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "MANIFEST"), []byte(strings.Join(files, "\n")+"\n"), 0o644))
}
