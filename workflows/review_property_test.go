package workflows_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// randomReview is one random run of a grant that starts at once.
type randomReview struct {
	*breakGlassEnv

	rand      *rand.Rand
	duration  time.Duration
	held      bool
	startedAt time.Time // when it was in force
	gone      bool      // something else took the role away
	counted   []access.Decision
}

func newRandomReview(t *testing.T, seed uint64) *randomReview {
	t.Helper()
	w := &randomReview{rand: rand.New(rand.NewPCG(seed, 11))}
	if w.rand.IntN(2) == 0 {
		w.duration = time.Duration(1+w.rand.IntN(8)) * time.Hour
	}
	w.breakGlassEnv = newBreakGlass(t, w.duration, func(r *access.Review) {
		r.Need = 1 + w.rand.IntN(2)
		r.People = []string{"a@example.com", "b@example.com", bobMail, carolMail}
	})
	w.recordingTime = time.Duration(w.rand.IntN(20)) * time.Minute
	w.gone = w.rand.IntN(8) == 0
	w.on(wire.ApplyActivity, mock.Anything).Return(w.apply).
		AfterFn(func() time.Duration { return time.Duration(w.rand.IntN(600)) * time.Second }).Maybe()
	w.allowClose()
	return w
}

// apply is a console that carries every change out.
func (w *randomReview) apply(_ context.Context, in wire.ApplyInput) (wire.ApplyResult, error) {
	outcome := access.Released
	switch op := in.Change.Change.Op; {
	case extension(in):
		return wire.ApplyResult{}, nil
	case op == access.OpAcquire:
		w.held, w.startedAt, outcome = true, w.Now(), access.Applied
	case op == access.OpGrant && w.gone:
		outcome = access.Superseded
	case op == access.OpGrant:
		require.True(w.t, w.reviewed(), "permanent without its review: %+v", w.counted)
		outcome = access.AlreadyHeld
	default:
		w.held = false
	}
	out := wire.ApplyResult{ChangeAnswer: wire.ChangeAnswer{Proof: proofOf(in.Change.Change.Op, outcome)}}
	if in.Close != nil {
		end := *in.Close
		end.Proofs = append(slices.Clone(end.Proofs), out.Proof)
		out.Receipt = new(receiptOf(end))
	}
	return out, nil
}

// reviewed is the rule, said once more: enough distinct reviewers, none of them the
// requester or the recipient, and nobody has denied it.
func (w *randomReview) reviewed() bool {
	var who []string
	for _, d := range w.counted {
		by := strings.ToLower(strings.TrimSpace(d.By))
		entitled := by != bobMail && by != anaMail && slices.Contains(w.plan.Approval.Review.People, by)
		if d.Action != wire.ApproveUpdate || !entitled || slices.Contains(who, by) {
			return false
		}
		who = append(who, by)
	}
	return len(who) >= w.plan.Approval.Review.Need
}

func (w *randomReview) denied() bool {
	return slices.ContainsFunc(w.counted, func(d access.Decision) bool { return d.Action == wire.DenyUpdate })
}

// sendRandomUpdates sends random messages at random times. A decision that counts is noted
// where the ledger takes it.
func (w *randomReview) sendRandomUpdates() {
	people := []string{"a@example.com", "B@example.com ", carolMail, bobMail, anaMail, "eve@example.com"}
	for range 2 + w.rand.IntN(8) {
		at := time.Duration(w.rand.IntN(6*60)) * time.Minute
		by := people[w.rand.IntN(len(people))]
		switch w.rand.IntN(12) {
		case 0:
			w.decides(at, wire.DenyUpdate, by)
		case 1:
			w.sendUpdate(at, wire.EndUpdate, wire.StopInput{By: by})
		case 2:
			w.sendUpdate(at, wire.CancelUpdate, wire.StopInput{By: by})
		case 3, 4:
			w.sendUpdate(at, wire.ExtendUpdate, wire.ExtendInput{By: by, Duration: access.Duration(time.Hour)})
		case 5:
			if w.rand.IntN(2) == 0 {
				w.at(at, w.CancelWorkflow)
			}
		default:
			w.decides(at, wire.ApproveUpdate, by)
		}
	}
}

// slack is how long after the review's time the role may still be there: a decision that
// is being recorded, and the release itself.
const slack = 20*time.Minute + 10*time.Minute

// Whatever is decided, by whom and when: either it has been reviewed by the people whose
// review it needs, or the role is gone once their time is over; and no request that was in
// force ends before it was reviewed, denied or out of time.
func TestReview_NoPathAroundIt(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(400) {
		w := newRandomReview(t, seed)
		w.sendRandomUpdates()
		w.OnDecided(func(d access.Decision) { w.counted = append(w.counted, d) })
		for late := slack; late < 24*time.Hour; late += time.Hour {
			w.at(reviewIn+10*time.Minute+late, func() {
				require.True(t, !w.held || w.reviewed(), "seed %d: there and not reviewed", seed)
			})
		}
		w.ExecuteWorkflow(wire.GrantType, w.in)
		require.True(t, w.IsWorkflowCompleted(), "seed %d", seed)
		require.NoError(t, w.GetWorkflowError(), "seed %d", seed)
		var got wire.RequestResult
		require.NoError(t, w.GetWorkflowResult(&got))
		seen[got.State]++
		require.Equal(t, got.State == "granted", w.held, "seed %d: %s", seed, got.Message)
		if w.held {
			require.True(t, w.reviewed(), "seed %d", seed)
		}
		reviewOver := w.reviewed() || w.denied() || !w.Now().Before(w.startedAt.Add(reviewIn))
		called := got.State == "cancelled" && !strings.Contains(got.Message, "review")
		require.True(t, reviewOver || called, "seed %d: %s without its review: %s", seed, got.State, got.Message)
		if w.denied() {
			require.NotEqual(t, "granted", got.State, "seed %d", seed)
			require.Contains(t, got.Message, "denied in review", "seed %d", seed)
		}
	}
	for _, state := range []string{"granted", "expired", "ended", "cancelled"} {
		require.Greater(t, seen[state], 10, "the walks must reach every end: %v", seen)
	}
}
