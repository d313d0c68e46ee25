// Package attempttest runs activities in tests as a worker does: one attempt at a time, behind the worker's
// interceptor, against a simulated console and a store of their own.
package attempttest

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/store"
)

// attemptTimeout bounds one attempt, in real time.
const attemptTimeout = time.Minute

// Console starts a simulated console, and a client of it without rate budgets unless a tweak sets some.
func Console(
	t *testing.T, o consoletest.Options, tweaks ...func(*console.Config),
) (*consoletest.Server, *console.Client) {
	t.Helper()
	server := consoletest.Start(t, o)
	return server, Client(t, server.URL, append([]func(*console.Config){func(c *console.Config) {
		c.Token = console.StaticToken(server.Token())
	}}, tweaks...)...)
}

// Client is a client of the console at that address, without rate budgets unless a tweak sets some.
func Client(t *testing.T, address string, tweaks ...func(*console.Config)) *console.Client {
	t.Helper()
	cfg := console.Config{
		BaseURL: address, Token: console.StaticToken("token-of-nobody"), Budgets: []console.Budget{},
	}
	for _, tweak := range tweaks {
		tweak(&cfg)
	}
	client, err := console.New(cfg)
	require.NoError(t, err)
	return client
}

// Store opens an empty SQLite store, which the end of the test closes.
func Store(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "store.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// Env is a new environment for one attempt, which logs nothing. The worker's interceptor comes after those given, so
// that errors are translated as Temporal would see them. The workflow that runs the activity is the one whose request
// the input names, unless [RunBy] says another.
func Env(interceptors ...interceptor.WorkerInterceptor) *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(attemptTimeout)
	all := append([]interceptor.WorkerInterceptor{&runBy{}}, interceptors...)
	env.SetWorkerOptions(worker.Options{Interceptors: append(all, fault.NewInterceptor())})
	return env
}

// Execute runs one attempt at the activity of that name, which must be registered with env.
func Execute[Out any](t *testing.T, env *testsuite.TestActivityEnvironment, name string, in any) (Out, error) {
	t.Helper()
	var out Out
	got, err := env.ExecuteActivity(name, in)
	if err == nil && got.HasValue() {
		require.NoError(t, got.Get(&out))
	}
	return out, err
}

// ApplicationError is the error as Temporal would see it; the test fails if it is no application error.
func ApplicationError(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	var app *temporal.ApplicationError
	require.ErrorAs(t, err, &app)
	return app
}
