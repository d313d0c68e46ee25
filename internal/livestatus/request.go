package livestatus

import (
	"context"
	"fmt"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// waits says why a plan or a change of roles is waiting, where it is.
func (c *Completer) waits(ctx context.Context, status wire.RequestStatus) wire.RequestStatus {
	if status.Waiting != "" || !Moving(status.State) {
		return status
	}
	source, err := c.source(ctx)
	if err != nil {
		return status
	}
	console := c.console
	if status.Plan != nil {
		console = status.Plan.Console
	}
	waits, err := source.WaitOf(ctx, console, status.Request)
	if err != nil {
		return status // the workflow's own answer stands
	}
	for _, w := range waits {
		status.Waiting = WaitText(w)
	}
	return status
}

// Moving says whether an activity is at work in a state, so that it may wait for the
// console.
func Moving(state string) bool {
	return state == wire.StatePlanning || state == wire.StateApplying || state == wire.StateReleasing
}

// WaitText says what a change is waiting for, in a sentence.
func WaitText(w store.Wait) string {
	next := ""
	if w.NextTry != nil {
		next = ", next at " + describe.Second(*w.NextTry)
	}
	if strings.HasPrefix(w.Text, access.GivingFrozen) {
		return fmt.Sprintf("%s (attempt %d%s)", w.Text, w.Attempt, next)
	}
	return fmt.Sprintf("waiting for SentinelOne since %s, attempt %d%s, last error: %s",
		describe.Second(w.Since), w.Attempt, next, w.Text)
}
