package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/config"
)

// Versioning is on with both names, for both task queues, and off without them.
func TestWorkerOptions_Deployment(t *testing.T) {
	t.Parallel()
	require.Equal(t, worker.DeploymentOptions{}, workerOptions(config.Config{}).DeploymentOptions)
	got := workerOptions(config.Config{Deployment: config.Deployment{Name: "default/provisioner", BuildID: "0.6.0"}})
	require.Equal(t, worker.DeploymentOptions{
		UseVersioning: true,
		Version:       worker.WorkerDeploymentVersion{DeploymentName: "default/provisioner", BuildID: "0.6.0"},
	}, got.DeploymentOptions)
}

// A worker that may be rolled back chooses the old branch of what came later, and the new branch of
// everything else.
func TestWorkerOptions_RollbackTo(t *testing.T) {
	t.Parallel()
	chosen := func(to, change string) *worker.VersionPreference {
		options := workerOptions(config.Config{Deployment: config.Deployment{RollbackTo: to}})
		return options.PreferredVersionProvider(worker.PreferredVersionProviderInput{
			ChangeID: change, MinSupported: workflow.DefaultVersion, MaxSupported: 1,
		})
	}
	old := &worker.VersionPreference{Version: workflow.DefaultVersion}
	require.Equal(t, old, chosen("0.5.0", "writers-upgrade"))
	require.Nil(t, chosen("0.6.0", "writers-upgrade"))
	require.Nil(t, chosen("", "writers-upgrade"))
	require.Nil(t, chosen("0.5.0", "stops-are-recorded"), "0.5.0 has it")
}

// What the operator sets of slots and pollers reaches the workers of both task queues.
func TestWorkerOptions_Capacity(t *testing.T) {
	t.Parallel()
	got := workerOptions(config.Config{Capacity: config.Capacity{WorkflowSlots: 20, ActivitySlots: 30, Pollers: 4}})
	require.Equal(t, 20, got.MaxConcurrentWorkflowTaskExecutionSize)
	require.Equal(t, 30, got.MaxConcurrentActivityExecutionSize)
	require.Equal(t, worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: 4, MinimumNumberOfPollers: 4, MaximumNumberOfPollers: 4,
	}), got.WorkflowTaskPollerBehavior, "polls for new workflows never stop")
	require.Equal(t, 4, got.MaxConcurrentActivityTaskPollers)
}

// The memory limit is set unless the operator has set Go's own.
func TestTuneMemory(t *testing.T) {
	before, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before); debug.SetGCPercent(percent) })
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "")
	tuneMemory(config.Capacity{Cache: 10, MemoryMiB: 300})
	require.Equal(t, int64(300<<20), debug.SetMemoryLimit(-1))
	t.Setenv("GOMEMLIMIT", "1GiB")
	tuneMemory(config.Capacity{Cache: 10, MemoryMiB: 400})
	require.Equal(t, int64(300<<20), debug.SetMemoryLimit(-1), "Go has read it at its start")
}
