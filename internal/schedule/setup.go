package schedule

import (
	"context"
	"errors"
	"fmt"

	"sentinelone-provisioner/internal/wire"
)

// Memory remembers what workers have set up, in each namespace of Temporal. The namespace is its id, so that one whose
// database was lost is another one.
type Memory interface {
	// ScheduleSetUp returns the settings with which workers have set up a schedule; "" if they never have.
	ScheduleSetUp(ctx context.Context, console, namespace, schedule string) (string, error)
	// KeepScheduleSetUp remembers them.
	KeepScheduleSetUp(ctx context.Context, console, namespace, schedule, settings string) error
}

// Wanted is a schedule as the configuration of the worker has it.
type Wanted struct {
	ID        string
	Spec      Spec
	Input     wire.SyncInput // names the console
	Namespace string         // id of Temporal's namespace
	Now       bool           // start the first sync at once
}

// Done says what SetUp did.
type Done string

// What SetUp did.
const (
	Unchanged Done = "" // the configuration is the one that was set up before
	Created   Done = "created"
	Changed   Done = "changed" // it was as workers had set it up, and the configuration is another one now
	// Kept means that an operator has set, changed or deleted the schedule, so it stays as it is.
	Kept Done = "kept"
)

// SetUp sets up a schedule once. What an operator has changed since stays: also that it is paused, or deleted. A change
// of the configuration changes only a schedule that is as workers have set it up.
func (s Schedules) SetUp(ctx context.Context, memory Memory, want Wanted) (Done, error) {
	now := settings(want.Spec, s.TaskQueue)
	before, err := memory.ScheduleSetUp(ctx, want.Input.Console, want.Namespace, want.ID)
	if err != nil || before == now {
		return Unchanged, err
	}
	done, err := s.setUp(ctx, want, before, now)
	if err != nil {
		return Unchanged, err
	}
	return done, memory.KeepScheduleSetUp(ctx, want.Input.Console, want.Namespace, want.ID, now)
}

func (s Schedules) setUp(ctx context.Context, want Wanted, before, now string) (Done, error) {
	is, err := s.Get(ctx, want.ID)
	missing := errors.Is(err, ErrMissing)
	switch {
	case err != nil && !missing:
		return Kept, err
	case missing && before == "":
		created, err := s.Create(ctx, want.ID, want.Spec, want.Input, want.Now)
		if created {
			return Created, err
		}
		return Kept, err
	case !missing && settings(is.Spec, is.TaskQueue) == now:
		return Unchanged, nil // by another worker, which starts too
	case !missing && settings(is.Spec, is.TaskQueue) == before:
		return Changed, s.Replace(ctx, want.ID, want.Spec, want.Input)
	}
	return Kept, nil
}

// settings are all of a schedule that the worker's configuration says.
func settings(s Spec, taskQueue string) string {
	return fmt.Sprintf("%s, jitter %s, catch-up %s, task queue %s", s, s.Jitter, s.CatchUp, taskQueue)
}
