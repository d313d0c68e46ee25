package workflows_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// send sends an update after some minutes, and hands on what it was answered.
func (w *randomGrant) send(minute int, update string, payload any, answered func(got any)) {
	w.RegisterDelayedCallback(func() {
		w.UpdateWorkflow(update, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: func(error) {},
			OnComplete: func(got any, err error) {
				if err == nil && answered != nil {
					answered(got)
				}
			},
		}, payload)
	}, time.Duration(minute)*time.Minute)
}

// sendRandomUpdates sends random messages at random times.
func (w *randomGrant) sendRandomUpdates() {
	for range 4 + w.rand.IntN(30) {
		w.sendRandomDecision(w.rand.IntN(140))
	}
	for range w.rand.IntN(8) {
		w.sendRandomExtension(1 + w.rand.IntN(400))
	}
	w.delegateAtRandom()
	if w.cancelled = w.rand.IntN(5) == 0; w.cancelled {
		minute := w.rand.IntN(120)
		if w.rand.IntN(2) == 0 {
			w.send(minute, wire.CancelUpdate, wire.StopInput{By: person(0)}, nil)
		} else {
			w.RegisterDelayedCallback(w.CancelWorkflow, time.Duration(minute)*time.Minute)
		}
	}
}

// sendRandomDecision is one decision, of anybody, about anything. One that counts came in time.
func (w *randomGrant) sendRandomDecision(minute int) {
	in := wire.DecisionInput{By: person(w.rand.IntN(approverCount + 3))}
	action := wire.ApproveUpdate
	if w.rand.IntN(24) == 0 {
		action = wire.DenyUpdate
	}
	if w.rand.IntN(3) == 0 {
		in.By = " " + strings.ToUpper(in.By) + " "
	}
	if w.rand.IntN(6) == 0 {
		in.Duration = access.Duration(time.Duration(w.rand.IntN(8)) * time.Hour)
	}
	if w.rand.IntN(8) == 0 {
		in.StartAt = began.Add(time.Duration(minute-10+w.rand.IntN(60)) * time.Minute)
	}
	sent := began.Add(time.Duration(minute) * time.Minute)
	w.send(minute, action, in, func(got any) {
		d, is := got.(access.Decision)
		require.True(w.t, is)
		require.True(w.t, sent.Before(w.askedAt[d.PlanHash].Add(time.Hour)), "came too late, and counts: %+v", d)
	})
	if w.rand.IntN(6) == 0 { // about an older plan, if there is one
		w.RegisterDelayedCallback(func() {
			if len(w.hashes) < 2 {
				return
			}
			in.PlanHash = w.hashes[0]
			w.UpdateWorkflow(action, "", &testsuite.TestUpdateCallback{
				OnAccept: func() {}, OnReject: func(error) {},
				OnComplete: func(_ any, err error) { require.Error(w.t, err) },
			}, in)
		}, time.Duration(minute)*time.Minute)
	}
}

// Whatever happens to a request, in whatever order: see [walk.mayApply] for what reaches
// the console. And it ends, within the time that people have and what the activities take.
func TestGrant_NoPathAroundApproval(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(300) {
		w := newRandomGrant(t, seed)
		w.sendRandomUpdates()
		w.ExecuteWorkflow(wire.GrantType, w.in)
		require.True(t, w.IsWorkflowCompleted(), "seed %d: it outlives its deadline", seed)
		require.NoError(t, w.GetWorkflowError(), "seed %d", seed)
		var got wire.RequestResult
		require.NoError(t, w.GetWorkflowResult(&got))
		seen[got.State]++
		w.countWays(seen, got.State)
		if w.extended > 0 {
			seen["extended"]++
			require.True(t, got.State == "expired" || w.cancelled, "seed %d: %s", seed, got.State)
		}
		switch got.State {
		case "granted", "expired":
			require.Equal(t, 1, w.applied, "seed %d", seed)
			require.False(t, w.denied(), "seed %d: given after a denial", seed)
		case "denied":
			require.True(t, w.denied(), "seed %d", seed)
			require.Zero(t, w.applied, "seed %d", seed)
		case "timedOut":
			require.Zero(t, w.applied, "seed %d", seed)
			// Those that came before have their turn, and are refused.
			require.WithinRange(t, w.Now(), w.asked.Add(time.Hour), w.asked.Add(4*time.Hour), "seed %d", seed)
		case "cancelled":
			require.True(t, w.cancelled, "seed %d", seed)
		default:
			require.Fail(t, "unexpected end", "seed %d: %s", seed, got.State)
		}
	}
	for _, what := range []string{
		"granted", "expired", "denied", "timedOut", "cancelled",
		"extended", "changed and given", "narrowed and given", "delegated and given", "escalated and given",
	} {
		require.Greater(t, seen[what], 8, "the walks must reach every end: %v", fmt.Sprint(seen))
	}
}

// countWays takes down by which ways something was given.
func (w *randomGrant) countWays(seen map[string]int, state string) {
	if state != "granted" && state != "expired" {
		return
	}
	ways := map[string]bool{"changed": w.plan.Before.Held != nil}
	for _, d := range w.counted {
		ways["narrowed"] = ways["narrowed"] || d.Duration > 0 || !d.StartAt.IsZero()
		ways["delegated"] = ways["delegated"] || d.OnBehalfOf != ""
		ways["escalated"] = ways["escalated"] || !d.EscalatedAt.IsZero()
	}
	for way, was := range ways {
		if was {
			seen[way+" and given"]++
		}
	}
}

// sendRandomExtension has anybody ask for a later end, and others decide on the last one that was
// asked for, whether they may or not.
func (w *randomGrant) sendRandomExtension(minute int) {
	by := person(w.rand.IntN(4))
	w.send(minute, wire.ExtendUpdate, wire.ExtendInput{
		By: by, Duration: access.Duration(time.Duration(1+w.rand.IntN(5)) * time.Hour),
	}, func(got any) {
		answer, is := got.(wire.RequestAnswer)
		require.True(w.t, is && answer.Pending, "it moved at once: %+v", got)
	})
	for range w.rand.IntN(4) {
		action, decider := wire.ApproveUpdate, person(w.rand.IntN(approverCount))
		if w.rand.IntN(5) == 0 {
			action = wire.DenyUpdate
		}
		w.RegisterDelayedCallback(func() {
			w.lock.Lock()
			in := wire.DecisionInput{By: decider}
			if n := len(w.extensions); n > 0 {
				in.PlanHash = w.extensions[n-1].Hash
			}
			w.lock.Unlock()
			if in.PlanHash != "" {
				w.send(0, action, in, nil)
			}
		}, time.Duration(minute+w.rand.IntN(70))*time.Minute)
	}
}
