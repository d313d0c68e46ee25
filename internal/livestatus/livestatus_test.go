package livestatus_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	syncactivities "sentinelone-provisioner/activities/sync"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/livestatus"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func draining(attempt int) wire.CollectionStatus {
	return wire.CollectionStatus{State: wire.CollectionDraining, Attempt: attempt, Expected: new(20)}
}

// A collection that is being walked shows what the store has of it; everything
// else is the workflow's word.
func TestComplete_Collections(t *testing.T) {
	t.Parallel()
	proven := wire.CollectionStatus{State: wire.CollectionProven, Attempt: 1, Pages: 3, Rows: 2500}
	live := store.CollectionProgress{Attempt: 1, Pages: 2, Rows: 2000, Expected: new(2500)}
	next := noon.Add(40 * time.Second)
	cases := map[string]struct {
		before wire.CollectionStatus
		live   store.CollectionProgress
		want   wire.CollectionStatus
	}{
		"walked": {draining(1), live, wire.CollectionStatus{
			State: "draining", Attempt: 1, Pages: 2, Rows: 2000, Expected: new(2500),
		}},
		"no count yet": {
			draining(1),
			store.CollectionProgress{Attempt: 1, Pages: 1, Rows: 9},
			wire.CollectionStatus{State: "draining", Attempt: 1, Pages: 1, Rows: 9, Expected: new(20)},
		},
		"of an older walk": {draining(2), live, draining(2)},
		"done":             {proven, store.CollectionProgress{Attempt: 1, Pages: 1, Rows: 1}, proven},
		"waits": {
			draining(1),
			store.CollectionProgress{Attempt: 1, Note: &store.Note{Text: "502", At: noon}},
			wire.CollectionStatus{
				State: "draining", Attempt: 1, Expected: new(20), Waiting: "502; tried at 2026-11-02 12:00:00 UTC",
			},
		},
		"waits until": {
			draining(1),
			store.CollectionProgress{Attempt: 1, Note: &store.Note{Text: "429", At: noon, NextTry: &next}},
			wire.CollectionStatus{
				State: "draining", Attempt: 1, Expected: new(20), Waiting: "429; next try at 2026-11-02 12:00:40 UTC",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := livestatus.Complete(
				wire.SyncStatus{
					State:       wire.StateDraining,
					Collections: map[string]wire.CollectionStatus{"users": c.before, "sites": proven},
				},
				store.Progress{Collections: map[access.Collection]store.CollectionProgress{access.Users: c.live}},
			)
			require.Equal(t, c.want, got.Collections["users"])
			require.Equal(t, proven, got.Collections["sites"])
		})
	}
}

// The note about the whole snapshot shows where the workflow waits for one call,
// and never in place of what a quarantine waits for.
func TestComplete_Waiting(t *testing.T) {
	t.Parallel()
	progress := store.Progress{Note: &store.Note{Text: "GET /system/info: 502", At: noon}}
	for state, want := range map[string]string{
		wire.StateChecking:    "GET /system/info: 502; tried at 2026-11-02 12:00:00 UTC",
		wire.StateSettling:    "GET /system/info: 502; tried at 2026-11-02 12:00:00 UTC",
		wire.StateDraining:    "for something else",
		wire.StateQuarantined: "for something else",
	} {
		got := livestatus.Complete(wire.SyncStatus{State: state, Waiting: "for something else"}, progress)
		require.Equal(t, want, got.Waiting, state)
	}
	progress.Note = new(store.Note)
	got := livestatus.Complete(wire.SyncStatus{State: wire.StateChecking}, progress)
	require.Empty(t, got.Waiting)
}

// console is the one that the worker serves.
const console = "acmeco.sentinelone.net"

// source answers for the store and counts how often it was asked.
type source struct {
	asked    int
	progress store.Progress
	waits    []store.Wait
	handed   []access.Delegation
	err      error
	hangs    bool
}

func (s *source) Delegations(_ context.Context, q store.DelegationsQuery) ([]access.Delegation, error) {
	s.asked++
	return slices.DeleteFunc(slices.Clone(s.handed), func(d access.Delegation) bool {
		return q.Console != console || !d.InForce(q.At) || !slices.Contains(q.By, access.Fold(d.By))
	}), s.err
}

func (s *source) WaitOf(_ context.Context, of, _ string) ([]store.Wait, error) {
	s.asked++
	if of != console {
		return nil, s.err
	}
	return s.waits, s.err
}

func (s *source) Progress(ctx context.Context, _ string) (store.Progress, error) {
	s.asked++
	if s.hangs {
		<-ctx.Done()
		return store.Progress{}, ctx.Err()
	}
	return s.progress, s.err
}

// ask runs a sync of the users, and asks for its status during the drain and at the end.
func ask(t *testing.T, complete *livestatus.Completer) (amid, end wire.SyncStatus) {
	t.Helper()
	env := flowtest.New()
	workflows.Register(env)
	syncactivities.New(nil, nil, syncactivities.Guard{}).Register(env)
	env.OnActivity(wire.SyncBeginActivity, mock.Anything, mock.Anything).Return(wire.SyncBeginResult{}, nil)
	env.OnActivity(wire.SyncCheckActivity, mock.Anything, mock.Anything).Return(wire.SyncCheckResult{}, nil)
	env.OnActivity(wire.SyncDrainActivity, mock.Anything, mock.Anything).After(time.Hour).
		Return(wire.SyncDrainResult{Pages: 3, Rows: 2500}, nil)
	env.OnActivity(wire.SyncSettleActivity, mock.Anything, mock.Anything).
		Return(wire.SyncSettleResult{State: "promoted"}, nil)
	look := func() wire.SyncStatus {
		answer, err := env.QueryWorkflow(wire.StatusQuery)
		require.NoError(t, err)
		var out wire.SyncStatus
		require.NoError(t, answer.Get(&out))
		return complete.Sync(t.Context(), out)
	}
	env.RegisterDelayedCallback(func() { amid = look() }, time.Minute)
	env.ExecuteWorkflow(wire.SyncType, wire.SyncInput{Collections: []string{"users"}})
	require.NoError(t, env.GetWorkflowError())
	return amid, look()
}

// The status of a running sync gets the pages that the store has; one with a result asks no store.
func TestCompleter_Sync(t *testing.T) {
	t.Parallel()
	s := &source{progress: store.Progress{Collections: map[access.Collection]store.CollectionProgress{
		access.Users: {Attempt: 1, Pages: 2, Rows: 2000},
	}}}
	amid, end := ask(t, livestatus.NewCompleter(livestatus.From(s), console))
	require.Equal(t, wire.CollectionStatus{
		State: "draining", Attempt: 1, Pages: 2, Rows: 2000,
	}, amid.Collections["users"])
	require.Equal(t, 2500, end.Collections["users"].Rows)
	require.NotNil(t, end.Result)
	require.Equal(t, 1, s.asked)
}

// A store that fails, hangs or is missing costs the status its pages only.
func TestCompleter_StoreDown(t *testing.T) {
	t.Parallel()
	closed := func(context.Context) (livestatus.Source, error) { return nil, store.ErrNotReady }
	for name, open := range map[string]func(context.Context) (livestatus.Source, error){
		"fails": livestatus.From(&source{err: errors.New("database is locked")}), "missing": closed, "none": nil,
		"hangs": livestatus.From(&source{hangs: true}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			amid, end := ask(t, livestatus.NewCompleter(open, console))
			require.Equal(t, wire.CollectionStatus{State: "draining", Attempt: 1}, amid.Collections["users"])
			require.Equal(t, "promoted", end.State)
		})
	}
}
