package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// handle installs the query and the updates.
func (s *syncRun) handle(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, wire.StatusQuery, s.answer),
		s.handleDecision(ctx, wire.ConfirmUpdate),
		s.handleDecision(ctx, wire.DiscardUpdate),
	)
}

// handleDecision answers when the decision has been carried out.
func (s *syncRun) handleDecision(ctx workflow.Context, decision string) error {
	return workflow.SetUpdateHandlerWithOptions(ctx, decision,
		func(ctx workflow.Context, in wire.QuarantineDecision) (wire.QuarantineAnswer, error) {
			// Several may pass the validator before the first is handled.
			if err := s.mayDecide(in); err != nil {
				return wire.QuarantineAnswer{}, err
			}
			s.decided, s.decision = decision, &in
			open, stop := workflow.NewDisconnectedContext(ctx) // a cancelled run still answers
			defer stop()
			err := workflow.Await(open, func() bool { return s.final })
			return wire.QuarantineAnswer{
				Snapshot: s.status.Snapshot, Decision: decision, By: in.By, State: s.status.State,
			}, err
		},
		workflow.UpdateHandlerOptions{
			Validator:   s.mayDecide,
			Description: decision + " a quarantined snapshot",
		})
}

func (s *syncRun) mayDecide(in wire.QuarantineDecision) error {
	switch {
	case strings.TrimSpace(in.By) == "":
		return refused(`"by" is missing: say who decides, as in {"by":"ana@example.com"}`)
	case s.decision != nil:
		return refused(fmt.Sprintf("%s has already decided: %s", s.decision.By, s.decided))
	case s.status.Quarantine == nil:
		return refused(fmt.Sprintf("nothing to decide: this sync is not quarantined, its state is %s", s.status.State))
	case !s.open:
		return refused("too late to decide: the snapshot is being dropped")
	}
	return nil
}

func refused(text string) error {
	return temporal.NewNonRetryableApplicationError(text, string(kinds.Refused), nil)
}

// quarantineLife is how long people have to decide. Long enough for a holiday;
// after that, newer syncs have replaced this one.
const quarantineLife = 7 * 24 * time.Hour

// decide waits for a decision about a quarantined snapshot and carries it out.
// Queries use the promoted snapshot until then.
func (s *syncRun) decide(ctx workflow.Context) error {
	if s.settled.State != wire.StateQuarantined {
		return nil
	}
	until := workflow.Now(ctx).UTC().Add(quarantineLife)
	s.status.Quarantine = &wire.Quarantine{Reasons: s.settled.Reasons, Until: until}
	s.open = true
	s.warn(s.settled.Reasons...)
	s.enter(ctx, wire.StateQuarantined, waitingForDecision(s.settled.Reasons, until))
	s.log.Warn("Snapshot is quarantined", "reasons", s.settled.Reasons, "until", until)
	_, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
		Timeout:      quarantineLife,
		TimerOptions: workflow.TimerOptions{Summary: "time to confirm or discard"},
	}, func() bool { return s.decision != nil })
	s.open = false
	if err != nil {
		return err
	}
	if s.decision == nil {
		return s.discard(ctx, "", fmt.Sprintf("not decided until %s", describe.Minute(until)))
	}
	s.status.Quarantine.Decision, s.status.Quarantine.By = s.decided, s.decision.By
	if s.decided == wire.DiscardUpdate {
		return s.discard(ctx, s.decision.By, "discarded by "+s.decision.By)
	}
	return s.confirm(ctx)
}

func (s *syncRun) confirm(ctx workflow.Context) error {
	s.warn("confirmed by " + s.decision.By)
	out, err := call[wire.SyncSettleResult](bulkTx(ctx, "promote what was confirmed"), wire.SyncPromoteActivity,
		wire.SyncPromoteInput{Snapshot: s.status.Snapshot, Collections: s.collections, By: s.decision.By})
	if err != nil {
		return err
	}
	if out.State == wire.SettledAgain {
		return errOvertaken(1)
	}
	s.settled = out
	return nil
}

// discard leaves the state quarantined: nothing of this sync was ever shown.
func (s *syncRun) discard(ctx workflow.Context, by, why string) error {
	s.warn(why)
	_, err := call[struct{}](bulkTx(ctx, "drop the snapshot"), wire.SyncDiscardActivity, wire.SyncDiscardInput{
		Snapshot: s.status.Snapshot, By: by, Why: why,
	})
	return err
}
