package provision

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// patient is a request that stays as it is, and takes the time that it is given.
type patient struct {
	Requests

	seen requestrecord.Observation
}

func (p patient) Await(
	ctx context.Context, _ temporalclient.Run, patience time.Duration,
) (requestrecord.Observation, error) {
	select {
	case <-time.After(patience):
		return p.seen, nil
	case <-ctx.Done():
		return requestrecord.Observation{}, ctx.Err()
	}
}

func never(wire.RequestStatus) bool { return false }

// fading is a request that Temporal shows once, and then no more.
type fading struct {
	patient

	looks int
}

func (f *fading) Await(
	ctx context.Context, run temporalclient.Run, patience time.Duration,
) (requestrecord.Observation, error) {
	seen, err := f.patient.Await(ctx, run, patience)
	if f.looks++; f.looks > 1 {
		seen = requestrecord.Observation{Trouble: "Temporal does not answer"}
	}
	return seen, err
}

// A look that Temporal does not answer, as the last one of a wait may be, does not hide what was seen before.
func TestWaiter_KeepsWhatItHasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWaiter(WaiterOptions{Concurrency: 10})
		ctx, stop := w.Limit(t.Context())
		defer stop()
		seen := requestrecord.Observation{Status: &wire.RequestStatus{
			State: wire.StateAwaitingApproval, Waiting: "1 of leads",
		}}
		got, err := w.Follow(ctx, &fading{patient: patient{seen: seen}}, temporalclient.Run{}, false, never)
		require.NoError(t, err)
		require.Equal(t, seen, got.Observation)
	})
}

// Of ten tasks at once, at most nine wait for people, at most eight of them to give access; one more that gives
// access is answered at once, and a revoke has a place.
func TestWaiter_Places(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWaiter(WaiterOptions{Concurrency: 10})
		waits := patient{seen: open(wire.StateAwaitingApproval, "for 1 of 1 from soc-leads", plan(access.OpGrant, ""))}
		follow := func(endsAccess bool) time.Duration {
			ctx, stop := w.Limit(t.Context())
			defer stop()
			began := time.Now()
			answer, err := w.Follow(ctx, waits, temporalclient.Run{WorkflowID: "grant/c1-x"}, endsAccess, never)
			require.NoError(t, err)
			require.False(t, answer.Over)
			require.ErrorContains(t, pending(answer), "request grant/c1-x waits for 1 of 1 from soc-leads; "+
				"decide with `starter approve grant/c1-x` or `starter deny grant/c1-x`, then press Retry "+
				"failed provisioning")
			return time.Since(began)
		}
		took := make(chan time.Duration, 8)
		for range 8 {
			go func() { took <- follow(false) }()
		}
		time.Sleep(time.Minute)
		require.Less(t, follow(false), time.Second, "no place is free")
		revoke := make(chan time.Duration, 1)
		go func() { revoke <- follow(true) }()
		time.Sleep(time.Second)
		require.Less(t, follow(true), time.Second, "the last of the SDK's tasks is not held")
		for range 8 {
			require.Equal(t, DefaultWait, <-took)
		}
		require.Equal(t, DefaultWait, <-revoke)
		require.Equal(t, DefaultWait, follow(false), "places are free again")
	})
}

// What is slow without waiting for people keeps no place for a while, and needs one then.
func TestWaiter_Brief(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWaiter(WaiterOptions{Concurrency: 1})
		ctx, stop := w.Limit(t.Context())
		defer stop()
		began := time.Now()
		answer, err := w.Follow(ctx, patient{seen: open(wire.StateApplying, "", plan(access.OpGrant, ""))},
			temporalclient.Run{WorkflowID: "grant/c1-x"}, false, never)
		require.NoError(t, err)
		require.Equal(t, DefaultBrief, time.Since(began))
		require.ErrorContains(t, pending(answer), "grant/c1-x is not done yet (applying) and goes on by itself")
	})
}

// Where no worker answers, a task does not wait for one.
func TestWaiter_NoWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWaiter(WaiterOptions{Concurrency: 10})
		ctx, stop := w.Limit(t.Context())
		defer stop()
		began := time.Now()
		answer, err := w.Follow(ctx, patient{seen: requestrecord.Observation{Trouble: "no worker answers"}},
			temporalclient.Run{WorkflowID: "revoke/c1-x"}, true, never)
		require.NoError(t, err)
		require.Equal(t, DefaultBrief, time.Since(began))
		require.ErrorContains(t, pending(answer), "revoke/c1-x is requested, and its state is unknown: "+
			"no worker answers")
	})
}

// A connector that is stopped says nothing about the request.
func TestWaiter_Stopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := NewWaiter(WaiterOptions{Concurrency: 10})
		task, kill := context.WithCancel(t.Context())
		ctx, stop := w.Limit(task)
		defer stop()
		time.AfterFunc(time.Second, kill)
		_, err := w.Follow(ctx, patient{seen: open(wire.StateAwaitingApproval, "for 1", plan(access.OpGrant, ""))},
			temporalclient.Run{}, false, never)
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, w.places.take(false), "its place is free")
		require.Equal(t, 1, w.places.taken)
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for concurrency, want := range map[int][2]int{0: {0, 0}, 1: {0, 0}, 2: {1, 1}, 3: {2, 1}, 10: {9, 8}} {
		p := newPlaces(concurrency)
		require.Equal(t, want, [2]int{p.all, p.slow}, "%d tasks", concurrency)
	}
}
