package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// flood is what a person can send to a running grant.
type flood struct {
	update string
	in     any
}

// send sends n of them, ten at a time, and returns how many were refused for a reason.
func (r *grantEnv) send(run client.WorkflowRun, n int, f flood, reason string) int {
	r.t.Helper()
	var refused atomic.Int64
	var all errgroup.Group
	all.SetLimit(10)
	for range n {
		all.Go(func() error {
			handle, err := r.client.UpdateWorkflow(r.ctx(), client.UpdateWorkflowOptions{
				WorkflowID: run.GetID(), UpdateName: f.update, WaitForStage: client.WorkflowUpdateStageCompleted,
				Args: []any{f.in},
			})
			if err == nil {
				err = handle.Get(r.ctx(), nil)
			}
			if err == nil {
				return fmt.Errorf("%s was carried out", f.update)
			}
			if strings.Contains(err.Error(), reason) {
				refused.Add(1)
			} else {
				r.t.Logf("%s: %.300v", f.update, err)
			}
			return nil
		})
	}
	require.NoError(r.t, all.Wait())
	return int(refused.Load())
}

// padded is a payload of that size whose texts are short.
func padded(t *testing.T, in any, size int) converter.RawValue {
	t.Helper()
	text, err := json.Marshal(in)
	require.NoError(t, err)
	return converter.NewRawValue(&commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)},
		Data:     append([]byte(strings.Repeat(" ", size)), text...),
	})
}

func (r *grantEnv) historyBytes(run client.WorkflowRun) int {
	r.t.Helper()
	size := 0
	for _, e := range history(r.stack, run.GetID()).GetEvents() {
		size += e.Size()
	}
	return size
}

// TestFlood sends to a grant that is in force whatever its limits refuse, and whatever they
// let pass, as often as would make Temporal terminate it: it survives, and the role is
// released at its end.
func TestFlood(t *testing.T) {
	t.Parallel()
	s := newGrantEnv(t)
	run := s.startGrant("1", s.input("150s"))
	s.untilHolds(true)
	const megabytes2 = 2_000_000
	long := strings.Repeat("x", megabytes2)
	for _, f := range []flood{
		{wire.ApproveUpdate, wire.DecisionInput{By: long}},
		{wire.DenyUpdate, wire.DecisionInput{By: "eve", Comment: long}},
		{wire.ApproveUpdate, wire.DecisionInput{By: "eve", Signature: long}},
		{wire.EndUpdate, wire.StopInput{By: long}},
		{wire.CancelUpdate, wire.StopInput{By: long}},
		{wire.ExtendUpdate, wire.ExtendInput{By: long, Duration: 1}},
	} {
		require.Equal(t, 5, s.send(run, 5, f, " is 2000000 bytes long, and the limit is "), f.update)
	}
	require.Less(t, s.historyBytes(run), 64<<10, "nothing of it is in the history")

	longest := wire.DecisionInput{
		By: "eve@example.com", Comment: strings.Repeat("\x01", access.MaxReasonBytes),
		Signature: strings.Repeat("\x02", access.MaxSignatureBytes),
	}
	s.send(run, 550, flood{wire.DenyUpdate, longest}, "")
	short := wire.DecisionInput{By: "eve@example.com"}
	full := s.send(run, 40, flood{wire.ApproveUpdate, padded(t, short, 1_900_000)},
		"the history of the request is full")
	require.Positive(t, full)

	got := s.result(run)
	require.Equal(t, wire.StateExpired, got.State)
	require.Equal(t, access.Released, got.Outcome)
	require.False(t, s.holdings().Holds(s.requested))
	s.requireReceipt(got)
	require.Less(t, s.historyBytes(run), 40<<20, "Temporal terminates at 50 MiB")
}
