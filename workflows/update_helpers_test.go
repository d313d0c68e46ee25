package workflows_test

import (
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/internal/wire"
)

// update sends an update when so much time has passed. One of the two functions is called
// with what came of it: that it was turned away, or what it was answered.
func (s *testEnv) update(
	d time.Duration, name string, payload any, rejected func(error), answered func(got any, err error),
) {
	s.at(d, func() {
		s.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
			OnAccept: func() {}, OnReject: rejected, OnComplete: answered,
		}, payload)
	})
}

// mustUpdate sends an update that has to be taken and answered.
func (s *testEnv) mustUpdate(d time.Duration, name string, payload any, answered func(got any)) {
	s.update(d, name, payload, func(err error) { require.NoError(s.t, err) }, func(got any, err error) {
		require.NoError(s.t, err)
		answered(got)
	})
}

// statusOf is what a workflow says of itself, which holds no nulls.
func statusOf[Status any](s *testEnv) Status {
	s.t.Helper()
	answer, err := s.QueryWorkflow(wire.StatusQuery)
	require.NoError(s.t, err)
	var out Status
	require.NoError(s.t, answer.Get(&out))
	requireNoNulls(s.t, out)
	return out
}
