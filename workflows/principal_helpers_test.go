package workflows_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

var (
	whose = wire.WriterStart{Console: host, Kind: access.User, ID: "7"}
	// viewer is what the principal holds before anything happens.
	viewer = access.Holding{Level: access.SiteLevel, RoleID: "1", ScopeID: "100"}
	soc    = access.Holding{Level: access.SiteLevel, RoleID: "2", ScopeID: "101"}
	admin  = access.Holding{Level: access.SiteLevel, RoleID: "3", ScopeID: "101"}
)

func holds(list ...access.Holding) access.Holdings {
	out := access.Holdings{Level: access.SiteLevel}
	for _, h := range list {
		out.Held = append(out.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
	}
	return out.Normal()
}

// writerEnv is a Principal whose activities change a console that is one value.
type writerEnv struct {
	*testEnv

	mu     sync.Mutex
	actual access.Holdings
	known  access.OwnershipState // as the ledger would have it
	writes []wire.WriteInput
}

func newWriter(t *testing.T) *writerEnv {
	t.Helper()
	s := newTestEnv(t)
	activities.NewPrincipal(nil, nil, nil).Register(s)
	s.SetStartWorkflowOptions(client.StartWorkflowOptions{
		ID: wire.PrincipalID(host, whose.Kind, whose.ID), TaskQueue: "sentinelone",
	})
	return &writerEnv{testEnv: s, actual: holds(viewer)}
}

func (w *writerEnv) run() {
	w.t.Helper()
	w.resume(wire.PrincipalInput{WriterStart: whose})
}

// resume runs the writer with what a run before it has left.
func (w *writerEnv) resume(in wire.PrincipalInput) {
	w.t.Helper()
	w.ExecuteWorkflow(wire.PrincipalType, in)
	require.True(w.t, w.IsWorkflowCompleted())
}

// carriesOut mocks the activity that writes: a real plan, and a console that obeys.
func (w *writerEnv) carriesOut() *testsuite.MockCallWrapper {
	return w.on(wire.WriteActivity, mock.Anything).Return(w.write)
}

func (w *writerEnv) write(_ context.Context, in wire.WriteInput) (wire.WriteResult, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, in)
	step := w.known.Apply(in.Change.Change, w.actual)
	from := w.known.Digest()
	w.actual, w.known = step.After, step.Next
	return wire.WriteResult{Next: step.Next.LeasesOnly(), From: from, Proof: access.Proof{
		Op: in.Change.Change.Op, Key: in.Change.Key, Outcome: step.Outcome,
		Before: step.Before, After: step.After, Reads: []access.Read{{Holdings: step.After}},
	}}, nil
}

// written lists the keys of the changes in the order in which they were carried out.
func (w *writerEnv) written() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]string, len(w.writes))
	for i, in := range w.writes {
		out[i] = in.Change.Key
	}
	return out
}

// confirms mocks the activity that looks again, with what the console shows then.
func (w *writerEnv) confirms() *testsuite.MockCallWrapper {
	return w.on(wire.ConfirmActivity, mock.Anything).
		Return(func(_ context.Context, in wire.ConfirmInput) (wire.ConfirmResult, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.judged(in, access.Read{Holdings: w.actual}), nil
		})
}

// nextReadShows mocks the next look.
func (w *writerEnv) nextReadShows(h access.Holdings, drift ...string) *testsuite.MockCallWrapper {
	return w.on(wire.ConfirmActivity, mock.Anything).
		Return(func(_ context.Context, in wire.ConfirmInput) (wire.ConfirmResult, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			out := w.judged(in, access.Read{Holdings: h})
			out.Drift = drift
			return out, nil
		}).Once()
}

// judged is a read as the activity judges it.
func (w *writerEnv) judged(in wire.ConfirmInput, read access.Read) wire.ConfirmResult {
	return wire.ConfirmResult{
		Read: read, Judged: true, Shown: slices.ContainsFunc(in.Absent, read.Holdings.Holds),
		Ours: slices.ContainsFunc(in.Absent, w.known.Desired().Holds),
	}
}

func leaseOf(id string, h access.Holding, long time.Duration) access.Lease {
	return access.Lease{ID: id, Holding: h, For: access.Duration(long)}
}

func changeTo(op access.Op, l access.Lease) wire.ChangeRequest {
	return wire.ChangeRequest{
		Key: access.ChangeKey(l.ID, op), Request: "grant/" + l.ID, Change: access.Change{Op: op, Lease: l},
	}
}

func acquires(l access.Lease) wire.ChangeRequest { return changeTo(access.OpAcquire, l) }
func releases(l access.Lease) wire.ChangeRequest { return changeTo(access.OpRelease, l) }

func extends(l access.Lease, end time.Time) wire.ChangeRequest {
	l.End = end
	out := acquires(l)
	out.Key = l.ID + "/extend/1"
	return out
}

// changeReply is what the writer said to a change.
type changeReply struct {
	done     bool
	at       time.Duration // since the start
	answer   wire.ChangeAnswer
	err      error
	rejected error
}

// sendChange asks for a change when so much time has passed.
func (w *writerEnv) sendChange(d time.Duration, in wire.ChangeRequest) *changeReply {
	r := new(changeReply)
	w.update(d, wire.ChangeUpdate, in, func(err error) { r.rejected = err }, func(got any, err error) {
		r.done, r.err, r.at = true, err, w.Now().Sub(began)
		r.answer, _ = got.(wire.ChangeAnswer)
	})
	return r
}

func (r *changeReply) requireOutcome(t *testing.T) access.Outcome {
	t.Helper()
	require.NoError(t, r.rejected)
	require.NoError(t, r.err)
	require.True(t, r.done)
	return r.answer.Proof.Outcome
}

func (w *writerEnv) state() wire.PrincipalStatus {
	w.t.Helper()
	return statusOf[wire.PrincipalStatus](w.testEnv)
}

// change matches what the activity is asked for by the change's key.
func change(key string) any {
	return mock.MatchedBy(func(in wire.WriteInput) bool { return in.Change.Key == key })
}
