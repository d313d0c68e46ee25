package attempt

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// Runtime is what an attempt at a change uses of the engine that runs it. An activity has Temporal's; the reconciler,
// which must work without Temporal, runs the same code under one of its own: see [Outside].
type Runtime struct {
	Logger  log.Logger
	Metrics client.MetricsHandler
	// Number counts the attempts at this work, from 1.
	Number int32
	// Since is when the work became due: backoff and notifications are counted from it.
	Since time.Time
	// MaxPause bounds the pause after an attempt; zero for the pauses of activities. What the console asks for counts
	// all the same.
	MaxPause time.Duration
	// Client reaches Temporal; nil while it cannot be reached.
	Client client.Client
	// Workflow is the id of the workflow that has the work done; "" without one.
	Workflow string
}

type runtimeKey struct{}

// Outside returns a context in which code of activities runs outside of an activity.
func Outside(ctx context.Context, r Runtime) context.Context {
	return context.WithValue(ctx, runtimeKey{}, r)
}

// RuntimeOf returns what runs the attempt: what [Outside] was given, or else the activity's own. It panics where ctx
// is of neither, as the functions of package activity do.
func RuntimeOf(ctx context.Context) Runtime {
	if r, found := ctx.Value(runtimeKey{}).(Runtime); found {
		return r
	}
	info := activity.GetInfo(ctx)
	return Runtime{
		Logger: activity.GetLogger(ctx), Metrics: activity.GetMetricsHandler(ctx), Number: info.Attempt,
		Since: info.ScheduledTime.UTC(), Client: activity.GetClient(ctx), Workflow: info.WorkflowExecution.ID,
	}
}

// IsStopping reports whether the process ends, so that a long attempt stops at the next place from which another one
// can resume it. Outside of an activity, the end of ctx says so.
func IsStopping(ctx context.Context) bool {
	if isOutside(ctx) {
		return ctx.Err() != nil
	}
	select {
	case <-activity.GetWorkerStopChannel(ctx):
		return true
	default:
		return false
	}
}

// LastProgress reads into progress what the last heartbeat of an earlier attempt said, and reports whether there was
// one that it could read.
func LastProgress(ctx context.Context, progress any) bool {
	return !isOutside(ctx) && activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, progress) == nil
}

func isOutside(ctx context.Context) bool {
	_, outside := ctx.Value(runtimeKey{}).(Runtime)
	return outside
}

// Logger is the logger of what runs the attempt.
func Logger(ctx context.Context) log.Logger {
	if r, found := ctx.Value(runtimeKey{}).(Runtime); found {
		return r.Logger
	}
	return activity.GetLogger(ctx)
}
