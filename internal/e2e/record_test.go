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
	"google.golang.org/protobuf/encoding/protojson"

	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
)

// TestRecordHistories records one history per outcome of each workflow, from our worker
// on a real dev server, into workflows/testdata/histories/$RELEASE/<type>. Run it with
// `make histories RELEASE=…` on code that has landed. A recorded file is never edited and
// never recorded over: an outcome that is there already is left alone, and if all are,
// there is nothing to do. HISTORIES names another folder, to try it.
func TestRecordHistories(t *testing.T) { //nolint:paralleltest // one recording after the other
	root, err := testbed.ModuleRoot()
	require.NoError(t, err)
	release := os.Getenv("RELEASE")
	require.NotEmpty(t, release, "say which release this is: make histories RELEASE=0.1.0")
	histories := filepath.Join(root, "workflows", "testdata", "histories")
	if elsewhere := os.Getenv("HISTORIES"); elsewhere != "" {
		histories = elsewhere
	}
	for _, of := range []struct {
		kind      string // type of the workflow
		console   consoletest.Options
		scenarios map[string]func(*stack) string
		extra     func(*testing.T) []string // more environment; nil for none
	}{
		{wire.SyncType, consoletest.Options{Seed: 71, Users: 60}, syncScenarios, nil},
		{wire.GrantType, consoleWithoutUsers, grantScenarios, nil},
		{wire.GrantType, consoleWithoutUsers, approvalScenarios, tenSecondPolicy},
		{wire.GrantType, consoleWithoutUsers, delegationScenarios, escalationPolicy},
		{wire.GrantType, consoleWithoutUsers, breakGlassScenarios, tenSecondReviewPolicy},
		{wire.RevokeType, consoleWithoutUsers, revokeScenarios, nil},
		{wire.RevokeType, consoleWithoutUsers, revokeApprovalScenarios, revokeApprovalPolicy},
		{wire.DelegateType, consoleWithoutUsers, delegateScenarios, nil},
		{wire.PrincipalType, consoleWithoutUsers, principalScenarios, nil},
		{wire.ProvisionUserType, consoleWithoutUsers, userScenarios, nil},
		{wire.ProvisionUserType, consoleWithoutUsers, userApprovalScenarios, oneLeadSettings},
		{wire.ProvisionServiceUserType, consoleWithoutUsers, serviceUserScenarios, tokenDirSetting},
		{wire.OffboardType, consoleWithoutUsers, offboardScenarios, nil},
	} {
		dir := filepath.Join(histories, release, of.kind)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		t.Run(of.kind, func(t *testing.T) {
			for name, scenario := range of.scenarios {
				t.Run(name, func(t *testing.T) {
					record(t, filepath.Join(dir, name+".json"), of.console, of.extra, scenario)
				})
			}
		})
	}
	writeManifest(t, histories)
}

// record writes the history of the workflow whose id the scenario returns.
func record(
	t *testing.T, file string, console consoletest.Options, extra func(*testing.T) []string,
	scenario func(*stack) string,
) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		t.Logf("%s is recorded already and stays as it is", file)
		return
	}
	s := newStack(t, console)
	if extra != nil {
		s.extraEnv = extra(t)
	}
	s.startWorker()
	h := history(s, scenario(s))
	require.Contains(t, closingEvents, h.Events[len(h.Events)-1].EventType, "an open workflow proves little")
	body, err := protojson.MarshalOptions{Indent: " "}.Marshal(h)
	require.NoError(t, err)
	var stable json.RawMessage = body // protojson varies its white space on purpose
	body, err = json.MarshalIndent(stable, "", " ")
	require.NoError(t, err)
	to, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	require.NoError(t, err)
	_, err = to.Write(append(anonymize(body), '\n'))
	require.NoError(t, err)
	require.NoError(t, to.Close())
}

// ended are the events with which a history ends.
var closingEvents = []enumspb.EventType{
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
	enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
}

// Where a history says on which machine it was recorded: who took or sent
// something, and the sticky queue, which is named after the host.
var (
	identity = regexp.MustCompile(`"identity": "[^"]*"`)
	sticky   = regexp.MustCompile(`"name": "[^"]*",(\s*"kind": "TASK_QUEUE_KIND_STICKY")`)
)

func anonymize(body []byte) []byte {
	body = identity.ReplaceAll(body, []byte(`"identity": "recorder"`))
	return sticky.ReplaceAll(body, []byte(`"name": "sticky",$1`))
}

// writeManifest lists every recorded history, so that a lost one is noticed.
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
