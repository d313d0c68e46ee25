package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

// schedulesEvery is how often the worker looks whether Temporal is still the one in which it has set up schedules: a
// server whose database was lost has none.
const schedulesEvery = time.Minute

// keepSchedules sets up the schedules of syncs that the configuration names, until ctx ends; then it closes the channel
// that it returns. What operators change of them stays.
func keepSchedules(
	ctx context.Context, log *slog.Logger, cfg config.Config, console string, db *store.Store, temporal client.Client,
	namespace string,
) <-chan struct{} {
	full, _ := cfg.Worker.FullInterval() // the configuration was validated
	delta, _ := cfg.Worker.DeltaInterval()
	id, in := wire.SyncID(console), wire.SyncInput{Console: console}
	deltaIn := in
	deltaIn.Mode = wire.ModeDelta
	var keepers sync.WaitGroup
	for every, want := range map[*time.Duration]schedule.Wanted{
		&full:  {ID: id, Input: in, Now: true},
		&delta: {ID: schedule.DeltaID(id), Input: deltaIn}, // the first full sync goes before
	} {
		if *every == 0 {
			continue
		}
		want.Spec = schedule.EachInterval(*every)
		s := scheduleKeeper{
			log: log, memory: db, temporal: temporal, namespace: namespace, queue: cfg.Worker.TaskQueue, want: want,
		}
		keepers.Go(func() { s.keep(ctx) })
	}
	done := make(chan struct{})
	go func() { defer close(done); keepers.Wait() }()
	return done
}

// scheduleKeeper keeps one schedule set up.
type scheduleKeeper struct {
	log       *slog.Logger
	memory    schedule.Memory
	temporal  client.Client
	namespace string // its name
	queue     string
	want      schedule.Wanted
}

// keep sets the schedule up again and again. It logs each reason of a failure once.
func (s scheduleKeeper) keep(ctx context.Context) {
	told := ""
	tick := time.NewTicker(schedulesEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		err := s.setUp(ctx)
		switch {
		case err == nil:
			told = ""
		case ctx.Err() == nil && err.Error() != told:
			told = err.Error()
			s.log.Warn("The schedule of syncs cannot be set up: set it with `starter schedule set`; trying again",
				"schedule", s.want.ID, "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (s scheduleKeeper) setUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, temporalclient.CallTimeout)
	defer cancel()
	described, err := s.temporal.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: s.namespace})
	if err != nil {
		return err
	}
	want := s.want
	want.Namespace = described.GetNamespaceInfo().GetId()
	done, err := schedule.Schedules{Client: s.temporal.ScheduleClient(), TaskQueue: s.queue}.SetUp(ctx, s.memory, want)
	if err != nil {
		return err
	}
	log := s.log.With("schedule", want.ID, "configured", want.Spec.String())
	switch done {
	case schedule.Created:
		log.Info("Schedule of syncs created")
	case schedule.Changed:
		log.Info("Schedule of syncs changed, as configured")
	case schedule.Kept:
		log.Info("The schedule of syncs stays as an operator has left it: `starter schedule set` changes it")
	case schedule.Unchanged:
	}
	return nil
}
