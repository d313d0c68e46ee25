package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Wherever a sync is cancelled, it drops what it received, on a context of its
// own, and ends cancelled. Every activity takes a minute here.
func TestSync_CancelAtEachStep(t *testing.T) {
	t.Parallel()
	one := []access.Collection{access.Users}
	steps := []struct {
		name string
		mock func(*testEnv)
	}{
		{"begin", func(s *testEnv) { s.begins(one...).After(time.Minute) }},
		{"check", func(s *testEnv) {
			s.checks(wire.SyncCheckResult{Expected: sizesOf(one...)}, one...).After(time.Minute)
		}},
		{"drain", func(s *testEnv) { s.drains(access.Users, 1, new(20), doubt).After(time.Minute) }},
		{"pause and second drain", func(s *testEnv) { s.drains(access.Users, 2, nil, "").After(time.Minute) }},
		{"settle", func(s *testEnv) {
			s.settles(wire.SyncSettleInput{Collections: one}, promoted()).After(time.Minute)
		}},
	}
	for i, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			s := newTestEnv(t)
			for _, earlier := range steps[:i+1] {
				earlier.mock(s)
			}
			s.discards(wire.SyncDiscardInput{Why: "cancelled", Failed: true}).After(time.Minute)
			s.at(time.Duration(i)*time.Minute+30*time.Second, s.CancelWorkflow)

			s.sync("users")

			require.True(t, temporal.IsCanceledError(s.GetWorkflowError()), "%v", s.GetWorkflowError())
			require.Equal(t, "failed", s.status().State)
			require.Nil(t, s.status().Result)
		})
	}
}

// Between two walks there is a pause; a cancel does not wait for its end.
func TestSync_CancelDuringThePause(t *testing.T) {
	t.Parallel()
	s := newTestEnv(t)
	s.opens(access.Users)
	s.drains(access.Users, 1, new(20), doubt)
	s.discards(wire.SyncDiscardInput{Why: "cancelled", Failed: true})
	s.at(500*time.Millisecond, s.CancelWorkflow)

	s.sync("users")

	require.True(t, temporal.IsCanceledError(s.GetWorkflowError()), "%v", s.GetWorkflowError())
	require.Equal(t, began.Add(500*time.Millisecond), s.Now().UTC())
}
