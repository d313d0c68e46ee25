package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
)

// A wrapped error keeps its kind, and a final one stays final.
func TestTranslate_FindsWrappedKind(t *testing.T) {
	t.Parallel()
	answer := func(status int) error {
		return fmt.Errorf("drain users: %w", fmt.Errorf("page 3: %w", &console.Error{
			Kind: console.KindStatus, Status: status, Method: "GET", Path: "/users",
		}))
	}
	silence := &console.Error{Kind: console.KindNoAnswer, Method: "GET", Path: "/users", Err: errors.New("refused")}
	cases := map[string]struct {
		err   error
		kind  kinds.Kind
		final bool
	}{
		"400":       {answer(400), kinds.Invalid, true},
		"401":       {answer(401), kinds.Unauthenticated, true},
		"403":       {answer(403), kinds.Forbidden, true},
		"404":       {answer(404), kinds.NotFound, true},
		"409":       {answer(409), kinds.Conflict, true},
		"501":       {answer(501), kinds.Invalid, true},
		"429":       {answer(429), kinds.RateLimited, false},
		"500":       {answer(500), kinds.Unavailable, false},
		"502":       {answer(502), kinds.Unavailable, false},
		"no answer": {silence, kinds.Unavailable, false},
		"read only": {fmt.Errorf("put: %w", console.ErrReadOnly), kinds.ReadOnly, true},
		"refused":   {fmt.Errorf("x: %w", kinds.New(kinds.Refused, errors.New("last role"))), kinds.Refused, true},
		"joined":    {errors.Join(errors.New("other"), answer(403)), kinds.Forbidden, true},
		"deadline":  {fmt.Errorf("x: %w", context.DeadlineExceeded), kinds.Unavailable, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := fault.Translate(c.err)
			var app *temporal.ApplicationError
			require.ErrorAs(t, got, &app)
			require.Same(t, got, error(app), "the mapped error must be outermost")
			require.Equal(t, string(c.kind), app.Type())
			require.Equal(t, c.final, app.NonRetryable())
			require.Equal(t, c.final, c.kind.Final())
			require.Contains(t, app.Message(), c.err.Error())
		})
	}
}

func TestTranslate_CarriesDelayAndCall(t *testing.T) {
	t.Parallel()
	limited := &console.Error{Status: 429, Method: "GET", Path: "/sites", RetryAfter: 40 * time.Second}
	var app *temporal.ApplicationError
	require.ErrorAs(t, fault.Translate(kinds.RetryIn(fmt.Errorf("x: %w", limited), time.Second)), &app)
	require.Equal(t, 40*time.Second, app.NextRetryDelay())
	var d fault.Details
	require.NoError(t, app.Details(&d))
	require.Equal(t, fault.Details{Method: "GET", Path: "/sites", Status: 429}, d)

	require.ErrorAs(t, fault.Translate(kinds.RetryIn(errors.New("the disk is full"), time.Minute)), &app)
	require.Equal(t, time.Minute, app.NextRetryDelay())
	require.False(t, app.NonRetryable())

	require.ErrorAs(t, fault.Translate(kinds.RetryIn(&console.Error{Status: 502}, time.Second)), &app)
	require.Equal(t, time.Second, app.NextRetryDelay())
}

func TestTranslate_KeepsOtherErrors(t *testing.T) {
	t.Parallel()
	require.NoError(t, fault.Translate(nil))
	for _, err := range []error{
		activity.ErrResultPending,
		temporal.NewCanceledError(),
		temporal.NewNonRetryableApplicationError("x", "Mine", nil),
		errors.New("unknown"),
		fmt.Errorf("stopped: %w", context.Canceled),
	} {
		require.Equal(t, err, fault.Translate(err))
	}
}

// In an activity environment a wrapped final error reaches the caller as a
// non-retryable application error of its kind.
func TestInterceptor_MapsActivityErrors(t *testing.T) {
	t.Parallel()
	env := (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{fault.NewInterceptor()}})
	fails := func(context.Context) error {
		return fmt.Errorf("wrapped: %w", &console.Error{Status: 403, Method: "GET", Path: "/users"})
	}
	env.RegisterActivity(fails)
	_, err := env.ExecuteActivity(fails)
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	require.Equal(t, string(kinds.Forbidden), app.Type())
	require.True(t, app.NonRetryable())
}
