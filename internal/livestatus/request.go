package livestatus

import (
	"context"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/workflows"
)

// request says why a change of roles is waiting, where it is.
func (q *queryInterceptor) request(ctx context.Context, status workflows.RequestStatus) workflows.RequestStatus {
	moving := status.State == workflows.StateApplying || status.State == workflows.StateReleasing
	if !moving || status.Plan == nil || status.Waiting != "" {
		return status
	}
	waits, err := q.source.WaitOf(ctx, status.Plan.Console, status.Request)
	if err != nil {
		return status // the workflow's own answer stands
	}
	for _, w := range waits {
		status.Waiting = WaitText(w)
	}
	return status
}

// WaitText says what a change is waiting for, in a sentence.
func WaitText(w store.Wait) string {
	next := ""
	if w.NextTry != nil {
		next = ", next at " + w.NextTry.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("waiting for SentinelOne since %s, attempt %d%s, last error: %s",
		w.Since.UTC().Format(time.RFC3339), w.Attempt, next, w.Text)
}
