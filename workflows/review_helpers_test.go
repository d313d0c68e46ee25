package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

const reviewIn = 4 * time.Hour

// breakGlassEnv is a grant that starts at once and needs a review within 4 h by carol or
// dave.
type breakGlassEnv struct {
	*requestEnv

	in            wire.GrantInput
	plan          access.Plan
	planned       *wire.PlanResult
	recordingTime time.Duration // that recording a decision takes
	refused       []string      // decisions that the ledger has with a refusal
	events        []wire.Event
	announcedAt   []time.Time           // each of them
	decided       func(access.Decision) // for what counts, as the ledger takes it
}

// OnDecided watches the decisions that count.
func (s *breakGlassEnv) OnDecided(see func(access.Decision)) { s.decided = see }

func newBreakGlass(t *testing.T, long time.Duration, tweaks ...func(*access.Review)) *breakGlassEnv {
	t.Helper()
	s := &breakGlassEnv{requestEnv: newRequest(t), in: grantInput(long)}
	s.in.BreakGlass = true
	asks := planInput(s.in)
	asks.Terms.BreakGlass = true
	review := access.Review{
		ApprovalStep: access.ApprovalStep{Need: 1, Groups: []string{"owners"}, People: []string{carolMail, daveMail}},
		Within:       access.Duration(reviewIn),
	}
	for _, tweak := range tweaks {
		tweak(&review)
	}
	s.plan = planOf(asks)
	s.plan.Approval = access.Approval{
		Rule: "glass", Review: &review, MaxDuration: access.Duration(24 * time.Hour),
		RemindEvery: access.Duration(3 * time.Hour),
	}
	s.plan = s.plan.Seal()
	s.planned = &wire.PlanResult{Plan: s.plan, Notify: true}
	s.on(wire.PlanActivity, asks).Return(func(context.Context, wire.PlanInput) (wire.PlanResult, error) {
		return *s.planned, nil
	}).Once()
	s.on(wire.DecideActivity, mock.Anything).Return(s.decide).
		AfterFn(func() time.Duration { return s.recordingTime }).Maybe()
	s.on(wire.AnnounceActivity, mock.Anything).
		Return(func(_ context.Context, in wire.AnnounceInput) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events, s.announcedAt = append(s.events, in.Event), append(s.announcedAt, s.Now().UTC())
			return nil
		}).Maybe()
	return s
}

func (s *breakGlassEnv) decide(_ context.Context, in wire.DecideInput) (wire.DecideResult, error) {
	if in.Refusal == "" && s.decided != nil {
		s.decided(in.Decision)
	}
	if in.Refusal != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refused = append(s.refused, in.Refusal)
	}
	return wire.DecideResult{Signed: access.Unsigned, Refusal: in.Refusal}, nil
}

// reviewReply is what a decision came to.
type reviewReply struct {
	decision access.Decision
	err      error
	done     bool
}

// decides sends a decision when so much time has passed.
func (s *breakGlassEnv) decides(d time.Duration, action, by string) *reviewReply {
	return s.sendDecision(d, action, wire.DecisionInput{By: by})
}

func (s *breakGlassEnv) sendDecision(d time.Duration, action string, in wire.DecisionInput) *reviewReply {
	out := new(reviewReply)
	s.update(d, action, in, func(err error) { out.err, out.done = err, true }, func(got any, err error) {
		out.done, out.err = true, err
		out.decision, _ = got.(access.Decision)
	})
	return out
}

func (w *reviewReply) requireCounted(t *testing.T) {
	t.Helper()
	require.True(t, w.done)
	require.NoError(t, w.err)
}

func (w *reviewReply) requireRefused(t *testing.T, want string) {
	t.Helper()
	require.True(t, w.done)
	require.ErrorContains(t, w.err, want)
}

// writerSteps are what the writer was asked for, in order: acquire, and what follows it.
func (s *breakGlassEnv) writerSteps() []string {
	var out []string
	for _, in := range s.applied {
		out = append(out, in.Change.Key[len(claim)+1:])
	}
	return out
}

// eventTypes are the events that people were told of.
func (s *breakGlassEnv) eventTypes() []string {
	var out []string
	for _, e := range s.events {
		out = append(out, e.Type)
	}
	return out
}

// allowClose mocks a receipt that some ends have no need of.
func (s *breakGlassEnv) allowClose() {
	s.on(wire.CloseActivity, mock.Anything).
		Return(func(_ context.Context, in wire.CloseInput) (wire.CloseResult, error) {
			return wire.CloseResult{Receipt: receiptOf(in)}, nil
		}).Maybe()
}

func anyOp(op access.Op) any {
	return mock.MatchedBy(func(in wire.ApplyInput) bool { return in.Change.Change.Op == op })
}
