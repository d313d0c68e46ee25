// Package flowtest sets up Temporal's test environment for workflows so that it says nothing and holds on a machine
// under load.
package flowtest

import (
	"log/slog"
	"time"

	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
)

// patience is how long a test waits for a workflow, and a workflow may keep its thread: of Temporal's three seconds and
// one second, a machine under load needs more.
const patience = 2 * time.Minute

// New is an environment without workflows and activities. It runs with the interceptors.
func New(interceptors ...interceptor.WorkerInterceptor) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(patience)
	Intercept(env, interceptors...)
	return env
}

// Intercept has the environment run with these interceptors, and none that it had.
func Intercept(env *testsuite.TestWorkflowEnvironment, interceptors ...interceptor.WorkerInterceptor) {
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: patience, Interceptors: interceptors})
}
