package main

import (
	"context"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/wire"
)

const (
	// connectionRelease is the first that knows workflow Connection.
	connectionRelease = "0.8.0"
	// connectionPause is the pause between two starts of workflow Connection: somebody may have terminated it. While it
	// runs, starting it does nothing.
	connectionPause = 5 * time.Minute
	// connectionTimeout bounds a call to Temporal about it.
	connectionTimeout = 5 * time.Second
)

// startConnection has workflow Connection run for the console until ctx ends, if the settings want checks. The answer
// is closed once it has stopped.
func startConnection(
	ctx context.Context, log *slog.Logger, temporal client.Client, cfg config.Config, console string,
) <-chan struct{} {
	stopped := make(chan struct{})
	if !cfg.Deployment.Takes(connectionRelease) {
		close(stopped)
		return stopped
	}
	if cfg.Worker.CheckEvery == 0 {
		log.Warn("The connection to the console is not checked", "meaning", "the status is unknown",
			"do", "unset CONNECTION_CHECK_EVERY")
		close(stopped)
		return stopped
	}
	go func() {
		defer close(stopped)
		tick := time.NewTicker(connectionPause)
		defer tick.Stop()
		for {
			if err := runConnection(ctx, temporal, cfg.Worker.TaskQueue, console); err != nil && ctx.Err() == nil {
				log.Warn("Cannot start the checks of the connection: retrying", "error", err,
					"next_attempt_in", connectionPause.String())
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return stopped
}

// runConnection starts workflow Connection unless it runs.
func runConnection(ctx context.Context, temporal client.Client, queue, console string) error {
	ctx, cancel := context.WithTimeout(ctx, connectionTimeout)
	defer cancel()
	_, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: wire.ConnectionID(console), TaskQueue: queue, StaticSummary: "checks the connection to " + console,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, wire.ConnectionType, wire.ConnectionInput{Console: console})
	return err
}

// askForCheck asks workflow Connection for a check, for an activity that does not wait for it.
func askForCheck(console string) func(context.Context) {
	return func(ctx context.Context) {
		temporal := attempt.RuntimeOf(ctx).Client
		if temporal == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectionTimeout)
		go func() {
			defer cancel()
			// Without the workflow, or without Temporal, the next check comes at its time.
			_ = temporal.SignalWorkflow(ctx, wire.ConnectionID(console), "", wire.CheckSignal, nil)
		}()
	}
}
