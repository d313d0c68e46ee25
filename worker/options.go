package main

import (
	"time"

	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/workflows"
)

// stopTimeout is how long running activities have to save their page and hand
// over: more than the longest single console call takes.
const stopTimeout = 75 * time.Second

// heartbeatThrottle bounds how far apart heartbeats reach the server, so that
// three fit into the heartbeat timeout of our activities.
const heartbeatThrottle = 5 * time.Second

// waitingShare is the part of the activity slots, one in so many, that activities may hold while they wait for the
// writers of principals.
const waitingShare = 4

// workerOptions are the options that the workers of both task queues share. Each workflow has
// declared its versioning behaviour itself (workflows/register.go), so there is no default.
func workerOptions(cfg config.Config) worker.Options {
	return worker.Options{
		WorkerStopTimeout:                stopTimeout,
		DefaultHeartbeatThrottleInterval: heartbeatThrottle,
		MaxHeartbeatThrottleInterval:     heartbeatThrottle,
		DisableRegistrationAliasing:      true,
		DeploymentOptions:                deploymentOptions(cfg.Deployment),
		PreferredVersionProvider:         preferredVersions(cfg.Deployment),

		MaxConcurrentWorkflowTaskExecutionSize: cfg.Capacity.WorkflowSlots,
		MaxConcurrentActivityExecutionSize:     cfg.Capacity.ActivitySlots,
		WorkflowTaskPollerBehavior:             workflowPollers(cfg.Capacity.Pollers),
		MaxConcurrentActivityTaskPollers:       cfg.Capacity.Pollers,
	}
}

// workflowPollers are so many for workflows that this worker has in memory, and as many for others. With a simple
// maximum, the SDK polls only for the former while it has a backlog of them: the writers of principals, which new
// grants start, would not begin while grants that run already have anything to do.
func workflowPollers(count int) worker.PollerBehavior {
	return worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{
		InitialNumberOfPollers: count, MinimumNumberOfPollers: count, MaximumNumberOfPollers: count,
	})
}

// deploymentOptions make the workers of both task queues one version of a deployment: activities
// of a pinned workflow then run on its own build, on either queue.
func deploymentOptions(d config.Deployment) worker.DeploymentOptions {
	if !d.Versioned() {
		return worker.DeploymentOptions{}
	}
	name, build := d.Version()
	return worker.DeploymentOptions{
		UseVersioning: true,
		Version:       worker.WorkerDeploymentVersion{DeploymentName: name, BuildID: build},
	}
}

// preferredVersions keep workflows from changes of their steps that the release does not know to
// which this worker may have to be rolled back: there they could not go on. Histories keep what
// is chosen here.
func preferredVersions(d config.Deployment) worker.PreferredVersionProvider {
	return func(in worker.PreferredVersionProviderInput) *worker.VersionPreference {
		if d.Takes(workflows.ReleaseOf(in.ChangeID)) {
			return nil // the newest
		}
		return &worker.VersionPreference{Version: in.MinSupported}
	}
}
