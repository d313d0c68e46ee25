package sync

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// underWay is what the store and Temporal know while a sync of somebody else is under way.
type underWay struct {
	other     store.BeginInput
	scheduled bool // the sync that begins
	running   bool // the other one, as Temporal knows
}

// A sync of a schedule leaves its work to one that reads the same: only then, and nothing is opened.
func TestBegin_SkipsASyncOfASchedule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*underWay)
		asks    []access.Collection // nil: all
		skipped bool
	}{
		"overlap":              {func(*underWay) {}, nil, true},
		"part of it":           {func(*underWay) {}, []access.Collection{access.Users}, true},
		"started by a person":  {func(w *underWay) { w.scheduled = false }, nil, false},
		"the other has ended":  {func(w *underWay) { w.running = false }, nil, false},
		"the other is unknown": {func(w *underWay) { w.other.WorkflowID = "" }, nil, false},
		"the other reads less": {func(w *underWay) { w.other.Collections = access.Collections()[1:] }, nil, false},
		"the other began earlier": {func(w *underWay) {
			w.other.StartedAt = time.Now().Add(-61 * time.Minute)
		}, nil, false},
		"of another console": {func(w *underWay) { w.other.Console = "other.example.net" }, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSyncFixture(t, consoletest.Options{})
			w := underWay{scheduled: true, running: true, other: store.BeginInput{
				Console: b.sync.console.Console(), ID: "other", Collections: access.Collections(),
				StartedAt: time.Now(), WorkflowID: "by-hand",
			}}
			c.change(&w)
			require.NoError(t, b.store.Begin(t.Context(), w.other))
			b.sync.describe = w.describe
			if c.asks == nil {
				c.asks = access.Collections()
			}
			begin := wire.SyncBeginInput{Snapshot: "own", Collections: c.asks, StartedAt: time.Now().UTC()}

			out := b.mustBegin(begin)

			all, err := b.store.LatestSnapshots(t.Context(), b.sync.console.Console(), 10)
			require.NoError(t, err)
			opened := all[len(all)-1].ID == "own"
			require.Equal(t, b.sync.console.Console(), out.Console)
			require.Equal(t, c.skipped, !opened)
			if !c.skipped {
				require.Empty(t, out.Skipped)
				return
			}
			require.Contains(t, out.Skipped, "by-hand is under way since ")
			require.Contains(t, out.Skipped, ": it reads what this sync would have")
		})
	}
}

func (w underWay) describe(_ context.Context, workflow, run string) *workflowpb.WorkflowExecutionInfo {
	if workflow == "by-hand" && run == "other" {
		if w.running {
			return &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
		}
		return nil
	}
	own := &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
	if w.scheduled {
		own.SearchAttributes = &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{
			"TemporalScheduledById": {},
		}}
	}
	return own
}

// An attempt whose answer was lost has begun: the next one goes on, whatever began meanwhile.
func TestBegin_IsNotSkippedOnceItHasBegun(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{})
	b.sync.describe = underWay{scheduled: true, running: true}.describe
	b.begin("own")
	require.NoError(t, b.store.Begin(t.Context(), store.BeginInput{
		Console: b.sync.console.Console(), ID: "other", Collections: access.Collections(), StartedAt: time.Now(),
		WorkflowID: "by-hand",
	}))
	out := b.mustBegin(wire.SyncBeginInput{
		Snapshot: "own", Collections: access.Collections(), StartedAt: time.Now().UTC(),
	})
	require.Empty(t, out.Skipped)
}
