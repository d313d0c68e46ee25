package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

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
