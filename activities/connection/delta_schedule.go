package connection

import (
	"context"
	"errors"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/connection"
	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/wire"
)

// scheduled notes in d whether a schedule starts delta syncs of the console, and how often.
func (a *Activities) scheduled(ctx context.Context, host string, d *connection.DeltaSync) error {
	s, err := a.schedule(ctx, schedule.DeltaID(wire.SyncID(host)))
	if errors.Is(err, schedule.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	every := s.Spec.Every
	if every == 0 && len(s.Next) > 1 { // by a cron expression, which the Temporal CLI can set
		every = s.Next[1].Sub(s.Next[0])
	}
	if d.Paused = s.Paused; !s.Paused {
		d.Every = access.Duration(every)
	}
	return nil
}

// findSchedule asks Temporal.
func findSchedule(ctx context.Context, id string) (schedule.Schedule, error) {
	temporal := attempt.RuntimeOf(ctx).Client
	if temporal == nil {
		return schedule.Schedule{}, errors.New("no connection to Temporal")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return schedule.Schedules{Client: temporal.ScheduleClient()}.Get(ctx, id)
}
