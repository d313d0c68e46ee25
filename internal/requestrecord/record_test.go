package requestrecord

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// The ledger alone has plan, decisions on each plan, and the open step with an estimated
// deadline.
func TestRead_LedgerAlone(t *testing.T) {
	t.Parallel()
	first := twoSteps()
	first.Notes = []string{"a note on the first plan"}
	first, second := first.Seal(), twoSteps().Seal()
	r := ledgerWith(t, "grant/OLD",
		requested("request", first),
		decided("decision/1", first, access.Decision{By: carol, Action: "approve", At: noon}, ""),
		requested("request/1", second),
		decided("decision/3", second, access.Decision{
			By: dave, Action: "approve", At: noon, Duration: access.Duration(2 * time.Hour),
		}, ""),
		decided("decision/4", second, access.Decision{By: "eve@example.com", Action: "deny", At: noon}, "eve may not"),
	).Read(t.Context(), "grant/NEVER", "grant/OLD")

	require.True(t, r.Known())
	require.Equal(t, "grant/OLD", r.ID)
	require.Equal(t, "r1", r.Run)
	require.NoError(t, errors.Join(r.TemporalErr, r.LedgerErr, r.Unreadable()))
	require.Equal(t, StateOpen, r.State())
	require.Equal(t, second.Hash, r.Plan.Hash)
	require.Equal(t, "bob@example.com", r.Requester())
	require.Equal(t, noon, r.RequestedAt().UTC())
	require.Len(t, r.Decisions(), 3)
	require.Equal(t, 1, r.Outdated())
	require.Equal(t, "for 2h, by dave@example.com", Narrowed(r.CurrentDecisions()))
	require.Equal(t, []string{"bob@example.com", "ana@example.com"}, r.Excluded())

	steps := r.Steps()
	require.Len(t, steps, 2)
	require.Len(t, steps[0].Decisions, 1)
	require.Equal(t, &OpenStep{
		Approvers: []string{carol, erin}, Given: 1, Need: 2, Estimated: true, Deadline: noon.Add(62 * time.Minute),
	}, steps[0].Open)
	require.Nil(t, steps[1].Open)
}

// Decisions that do not count are events that say why.
func TestEvents(t *testing.T) {
	t.Parallel()
	plan := twoSteps().Seal()
	other := twoSteps()
	other.Notes = []string{"changed"}
	r := ledgerWith(t, "grant/OLD",
		requested("request", plan),
		decided("decision/1", other.Seal(), access.Decision{
			By: carol, Action: "approve", At: noon.Add(time.Second),
		}, ""),
		decided("decision/2", plan, access.Decision{
			By: dave, Action: "deny", At: noon.Add(2 * time.Second),
		}, "dave may not"),
		ledger.NewEntry{Key: "notification/1/e-mail", Body: ledger.Notification{
			Event: "reminder", Sender: "e-mail", Result: ledger.GaveUp,
		}},
		ledger.NewEntry{Key: "delegation/0", Body: ledger.Delegation{Delegation: access.Delegation{
			By: carol, To: dave, Until: noon.Add(48 * time.Hour),
		}}},
		ledger.NewEntry{Key: "acquire/unauthorized/notApproved", Body: ledger.Unauthorized{
			Op: access.OpAcquire, Reason: "notApproved", Text: "1 of 2 approvals is on record",
		}},
	).Read(t.Context(), "grant/OLD")
	var got []string
	for _, e := range r.Events()[1:] {
		got = append(got, e.Step+": "+e.Text)
	}
	require.Equal(t, []string{
		"no longer counts: carol@example.com: approve, unsigned – on an earlier plan",
		"does not count: dave@example.com: deny, unsigned – dave may not",
		"notification: reminder to e-mail: given up, the receiver was down for too long",
		"delegation: carol@example.com to dave@example.com until 2026-03-12 12:00:00 UTC",
		"not authorized: " + describe.Operation(access.OpAcquire) + " was not written, requested by " + r.Requester() +
			": 1 of 2 approvals is on record (notApproved)",
	}, got)
}

// A request that only waits for its plan is known, and says why it waits.
func TestRead_WaitsForItsPlan(t *testing.T) {
	t.Parallel()
	reader := ledgerWith(t, "grant/OLD")
	require.NoError(t, reader.Store.NoteWait(t.Context(), store.Wait{
		Console: host, Request: "grant/DOWN", Step: store.StepPlan, Attempt: 7, Since: noon, At: noon,
		Text: "GET /users: 502", Temporary: true,
	}))
	const why = "waiting for SentinelOne since 2026-03-10 12:00:00 UTC, attempt 7, last error: GET /users: 502"
	r := reader.Read(t.Context(), "grant/DOWN")
	require.True(t, r.Known())
	require.Equal(t, why, r.Waiting())
	require.Equal(t, why, r.CurrentStatus().Waiting)
	rows, limited, err := reader.List(t.Context(), Query{})
	require.NoError(t, err)
	require.False(t, limited)
	require.Len(t, rows, 1)
	require.Equal(t, why, rows[0].Waiting)
	require.True(t, HasOpen(rows))
}

// Sources that are missing are named in the record and in the error.
func TestRead_WithoutSources(t *testing.T) {
	t.Parallel()
	r := Reader{TemporalErr: errors.New("Temporal is down"), StoreErr: errors.New("no database")}.
		Read(t.Context(), "grant/X")
	require.False(t, r.Known())
	require.EqualError(t, r.NotFound("X"),
		`no request "X" was found, but not every source answered: Temporal is down; no database`)
	require.EqualError(t, Record{}.NotFound("X"), `there is no request "X"`)
}

// The receipt decides over what else is known.
func TestFromLedger_Receipt(t *testing.T) {
	t.Parallel()
	plan := twoSteps().Seal()
	receipt := access.Receipt{
		Request: "grant/OLD", Run: "r1", Plan: plan, State: wire.StateExpired, Outcome: access.Released,
		StartedAt: noon, FinishedAt: noon.Add(time.Hour),
	}.Seal()
	reader := ledgerWith(t, "grant/OLD", requested("request", plan),
		ledger.NewEntry{Key: "receipt", Body: ledger.Receipt{Receipt: receipt}})
	entries, err := reader.Store.LedgerOf(t.Context(), host, "grant/OLD")
	require.NoError(t, err)
	r := FromLedger("grant/OLD", entries)
	require.Equal(t, wire.StateExpired, r.State())
	require.Equal(t, receipt.Hash, r.Receipt.Hash)
	_, open := r.Pending()
	require.False(t, open)
	require.Contains(t, r.Sentence(),
		"requested by bob@example.com on 2026-03-10 12:00 UTC: grant user ana@example.com")
	require.Contains(t, r.Sentence(), "; the state is expired")
	rows, limited, err := reader.List(t.Context(), Query{Limit: 1})
	require.NoError(t, err)
	require.True(t, limited)
	require.Equal(t, access.Released, rows[0].Outcome)
	require.False(t, HasOpen(rows))
}

// Denied, refused, late and failed requests may be started again; others may not.
func TestRetryable(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]bool{
		wire.StateGranted: false, wire.StateExpired: false, wire.StateEnded: false, wire.StateRevoked: false,
		wire.StateCancelled: false, wire.StateDenied: true, wire.StateRefused: true, wire.StateTimedOut: true,
		wire.StateFailed: true,
	} {
		require.Equal(t, want, Retryable(state), state)
	}
}

// An observation is an error unless the request ended as it was requested.
func TestObservation_Err(t *testing.T) {
	t.Parallel()
	failure := errors.New("it broke")
	for want, o := range map[string]Observation{
		"it broke":                      {Over: true, Failure: failure},
		"denied by carol":               {Result: &wire.RequestResult{State: "denied", Message: "denied by carol"}},
		"refused: no":                   {Result: &wire.RequestResult{State: wire.StateRefused, Message: "no"}},
		"timedOut: no":                  {Result: &wire.RequestResult{State: wire.StateTimedOut, Message: "no"}},
		"it would be refused: too long": {Result: &wire.RequestResult{State: wire.StatePlanned, Message: "too long"}},
	} {
		require.EqualError(t, o.Err(), want)
	}
	for _, o := range []Observation{
		{},
		{Result: &wire.RequestResult{State: wire.StateGranted, Message: "a note"}},
		{Result: &wire.RequestResult{State: wire.StatePlanned}},
	} {
		require.NoError(t, o.Err())
	}
}

// foreignTemporal has a workflow of another type under every id.
type foreignTemporal struct{ client.Client }

func (foreignTemporal) DescribeWorkflowExecution(
	context.Context, string, string,
) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
		FirstRunId: "foreign", Type: &common.WorkflowType{Name: "Nothing"},
	}}, nil
}

// A workflow of another type under the id of a request is no request, and does not hide what the ledger has.
func TestRead_ForeignWorkflow(t *testing.T) {
	t.Parallel()
	r := ledgerWith(t, "grant/OLD", requested("request", twoSteps().Seal()))
	r.Temporal = &temporalclient.Connection{Client: foreignTemporal{}}
	known := r.Read(t.Context(), "grant/OLD")
	require.True(t, known.Known())
	require.Equal(t, "bob@example.com", known.Requester())
	require.Equal(t, "r1", known.Run)
	require.Equal(t, StateOpen, known.State())
	require.ErrorContains(t, known.TemporalErr, `grant/OLD is a workflow of type "Nothing", which is no request: `+
		"see what started it with `temporal workflow show --workflow-id grant/OLD`")

	unknown := r.Read(t.Context(), "grant/NEVER")
	require.False(t, unknown.Known())
	require.Equal(t, &ForeignError{ID: "grant/NEVER", Type: "Nothing"}, unknown.TemporalErr)
}
