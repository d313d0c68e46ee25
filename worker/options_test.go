package main

import (
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
