package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// The official CLI does everything that the contract promises, with names instead of ids:
// start, status, result, updates and revoke.
func TestCLI_GrantByNames(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	site := s.console.Truth().Sites[1]
	what := fmt.Sprintf(`"principal":{"kind":"user","email":"ana@example.com"},"role":{"name":"SOC"},
		"scope":{"level":"site","name":%q},"requester":"bob@example.com","reason":"INC-42"`,
		site.AccountName+" / "+site.Name)
	id := wire.GrantID(t.Name())
	s.startByCLI("Grant", id, "{"+what+`,"duration":"1h"}`)
	s.untilHolds(true)
	var status wire.RequestStatus
	s.untilStatus(s.client.GetWorkflow(s.ctx(), id, ""), func(got wire.RequestStatus) bool {
		return got.State == wire.StateActive
	})
	got := s.cli("workflow", "query", "--workflow-id", id, "--type", "status", "--output", "json")
	require.Zero(t, got.code, got.stderr)
	var query struct {
		QueryResult []json.RawMessage `json:"queryResult"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &query), got.stdout)
	require.NoError(t, json.Unmarshal(query.QueryResult[0], &status))
	require.Equal(t, id, status.Request)
	require.Equal(t, "bob@example.com", status.Requester)
	require.Equal(t, "ana@example.com", status.Plan.Principal.Email)
	require.Equal(t, "SOC", status.Plan.Role.Name)
	require.Equal(t, s.requested, status.Plan.Holding())
	require.NotNil(t, status.EndsAt)

	// Starting a workflow under an id that is in use returns the run that has it.
	got = s.cli("workflow", "start", "--type", "Grant", "--task-queue", s.queue, "--workflow-id", id,
		"--input", "{}", "--output", "json")
	run, err := s.client.DescribeWorkflowExecution(s.ctx(), id, "")
	require.NoError(t, err)
	require.Contains(t, got.stdout, run.WorkflowExecutionInfo.Execution.RunId)

	got = s.cli("workflow", "update", "execute", "--workflow-id", id, "--name", "extend",
		"--input", `{"by":"bob@example.com","duration":"2h"}`)
	require.Zero(t, got.code, got.stderr)
	got = s.cli("workflow", "update", "execute", "--workflow-id", id, "--name", "end", "--input", `{}`)
	require.NotZero(t, got.code)
	require.Contains(t, got.stderr, "is missing: say who wants to end it")
	got = s.cli("workflow", "update", "execute", "--workflow-id", id, "--name", "end",
		"--input", `{"by":"bob@example.com"}`)
	require.Zero(t, got.code, got.stderr)
	require.Contains(t, got.stdout, "released")
	result := s.resultByCLI(id)
	require.Equal(t, "ended", result.State)
	require.Equal(t, access.Released, result.Outcome)
	require.True(t, result.Receipt.Intact(), "what the CLI prints can be checked")
	require.False(t, s.holdings().Holds(s.requested))

	// The id can be used again after the grant has ended.
	s.startByCLI("Grant", id, "{"+what+"}")
	require.Equal(t, "granted", s.resultByCLI(id).State)
	require.True(t, s.holdings().Holds(s.requested))
	revoke := wire.RevokeID(t.Name())
	s.startByCLI("Revoke", revoke, "{"+what+"}")
	require.Equal(t, access.Removed, s.resultByCLI(revoke).Outcome)
	require.False(t, s.holdings().Holds(s.requested))
}

func (s *stack) startByCLI(kind, id, input string) {
	s.t.Helper()
	got := s.cli("workflow", "start", "--type", kind, "--task-queue", s.queue, "--workflow-id", id, "--input", input)
	require.Zero(s.t, got.code, got.stderr)
}

// resultByCLI waits for the result of a workflow with the official CLI.
func (s *stack) resultByCLI(id string) (out wire.RequestResult) {
	s.t.Helper()
	got := s.cli("workflow", "result", "--workflow-id", id, "--output", "json")
	var said struct {
		Status string             `json:"status"`
		Result wire.RequestResult `json:"result"`
	}
	require.NoError(s.t, json.Unmarshal([]byte(got.stdout), &said), got.stdout+got.stderr)
	require.Equal(s.t, "COMPLETED", said.Status)
	return said.Result
}

// A request with bad input fails at once, with a message that says what to do, and does not
// write to the console.
func TestCLI_BadRequests(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	site := s.console.Truth().Sites[1]
	scope := fmt.Sprintf(`"scope":{"level":"site","id":%q}`, site.ID)
	const (
		who  = `"principal":{"kind":"user","email":"ana@example.com"},"requester":"bob@example.com"`
		zoe  = `"principal":{"kind":"user","email":"zoe@example.com"},"requester":"bob@example.com"`
		role = `"role":{"name":"SOC"}`
	)
	object := func(fields ...string) string { return "{" + strings.Join(fields, ",") + "}" }
	grant := func(more ...string) string { return object(append([]string{who, role, scope}, more...)...) }
	at := func(scope string) string { return object(who, role, `"scope":`+scope) }
	cases := map[string]struct{ kind, input, says string }{
		"wrong type":        {"Grant", "[1]", "array"},
		"nothing":           {"Grant", "{}", "requester is missing"},
		"unknown field":     {"Grant", grant(`"durration":"1h"`), `unknown field "durration"`},
		"duration zero":     {"Grant", grant(`"duration":"0s"`), "pass one above 0"},
		"negative":          {"Grant", grant(`"duration":"-1h"`), "pass one above 0"},
		"too long":          {"Grant", grant(`"duration":"10000h"`), "the maximum is 8784h"},
		"no duration":       {"Grant", grant(`"duration":"soon"`), "soon"},
		"end before start":  {"Grant", grant(`"startAt":"2020-01-01T00:00:00Z","duration":"1h"`), "before it can"},
		"another console's": {"Grant", grant(`"console":"other.example.com"`), "other.example.com"},
		"unknown role":      {"Grant", object(who, scope, `"role":{"name":"SOCC"}`), `did you mean "SOC"`},
		"unknown site":      {"Grant", at(`{"level":"site","name":"Nowhere"}`), `no site "Nowhere" is on the console`},
		"name and id":       {"Grant", at(`{"level":"site","id":"1","name":"x"}`), "give one of name and id"},
		"at a group":        {"Grant", at(`{"level":"group","id":"1"}`), "is group, where roles cannot be granted"},
		"unknown user":      {"Revoke", object(zoe, role, scope), `no user "zoe@example.com" is on the console`},
		"revoke for a time": {"Revoke", grant(`"duration":"1h"`), `unknown field "duration"`},
	}
	// The CLI itself rejects invalid JSON.
	got := s.cli("workflow", "start", "--type", "Grant", "--task-queue", s.queue, "--input", `{"principal":`)
	require.NotZero(t, got.code)
	require.Contains(t, got.stderr, "JSON")
	for name, c := range cases {
		s.startByCLI(c.kind, t.Name()+"/"+name, c.input)
	}
	for name, c := range cases {
		err := s.client.GetWorkflow(s.ctx(), t.Name()+"/"+name, "").Get(s.ctx(), nil)
		require.ErrorContains(t, err, c.says, name)
	}
	require.Empty(t, s.roleWrites())
}
