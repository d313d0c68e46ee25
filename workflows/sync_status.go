package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

func (s *syncRun) answer() (wire.SyncStatus, error) {
	out := s.status
	out.Warnings = s.warnings()
	out.Collections = make(map[string]wire.CollectionStatus, len(s.collections))
	for _, c := range s.collections {
		if s.delta { // it drains none
			break
		}
		out.Collections[string(c)] = s.progress[c].CollectionStatus
	}
	return out, nil
}

// warnings is never nil, so that it reads [] and not null.
func (s *syncRun) warnings() []string { return append([]string{}, s.status.Warnings...) }

// enter moves to a state and says so in Temporal's own tools.
func (s *syncRun) enter(ctx workflow.Context, state, waiting string) {
	s.status.State, s.status.Waiting = state, waiting
	details := "**" + state + "**"
	if waiting != "" {
		details += ": " + waiting
	}
	workflow.SetCurrentDetails(ctx, details)
}

func errOvertaken(rounds int) error {
	return temporal.NewNonRetryableApplicationError(
		fmt.Sprintf("other syncs of this console overtook this one %d times: "+
			"start it again when they are done", rounds),
		string(kinds.Conflict), nil)
}

func waitingForDecision(reasons []string, until time.Time) string {
	return fmt.Sprintf("for confirm or discard until %s: %s", at(until), strings.Join(reasons, "; "))
}
