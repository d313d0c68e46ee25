package workflows

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
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
			open, stop := workflow.NewDisconnectedContext(ctx) // a cancelled run still answers
			defer stop()
			if since(ctx, quarantineIsRecorded) {
				pending, err := s.checkDecision(open, decision, in)
				if err != nil {
					return wire.QuarantineAnswer{}, err
				}
				if pending != "" {
					return s.awaitOthers(in, pending), nil
				}
			}
			s.decided, s.decision = decision, &in
			err := workflow.Await(open, func() bool { return s.final })
			return wire.QuarantineAnswer{
				Snapshot: s.status.Snapshot, Decision: decision, By: in.By, State: s.status.State,
			}, err
		},
		workflow.UpdateHandlerOptions{
			Validator: func(ctx workflow.Context, in wire.QuarantineDecision) error {
				if err := mayStillAdd(ctx, in); err != nil {
					return err
				}
				return s.mayDecide(in)
			},
			Description: decision + " a quarantined snapshot",
		})
}

// awaitOthers answers a confirmation that counts and is not enough.
func (s *syncRun) awaitOthers(in wire.QuarantineDecision, pending string) wire.QuarantineAnswer {
	s.warn(fmt.Sprintf("confirmed by %s; it waits %s", in.By, pending))
	return wire.QuarantineAnswer{
		Snapshot: s.status.Snapshot, Decision: wire.ConfirmUpdate, By: in.By, State: s.status.State, Pending: pending,
	}
}

// checkDecision has an activity verify and record who decides, and fails with why that does
// not count. pending says which confirmations the policy asks for besides. Decisions are
// checked in the order in which they came, and given up once there is nothing to decide any
// more.
func (s *syncRun) checkDecision(
	ctx workflow.Context, decision string, in wire.QuarantineDecision,
) (pending string, err error) {
	if err := s.deciding.Lock(ctx); err != nil {
		return "", err
	}
	defer s.deciding.Unlock()
	if err := s.mayDecide(in); err != nil {
		return "", err
	}
	checking, cancel := workflow.WithCancel(ctx)
	defer cancel()
	done := false
	workflow.Go(checking, func(ctx workflow.Context) {
		if workflow.Await(ctx, func() bool { return done || s.mayDecide(in) != nil }) == nil && !done {
			cancel()
		}
	})
	by := stopOf(ctx, decision, in.By, in.Comment, in.Signed)
	out, err := call[wire.StopResult](shortCall(checking, decision), wire.SyncDecideActivity, wire.StopActivityInput{
		Request: wire.RequestInfo{
			ID: workflow.GetInfo(ctx).WorkflowExecution.ID, Run: s.status.Snapshot, StartedAt: s.status.StartedAt,
		},
		Stop: by, Refusal: s.refuseStarter(decision, in), StartedBy: s.startedBy,
	})
	done = true
	if late := s.mayDecide(in); late != nil { // it may have been decided, or dropped, meanwhile
		return "", late
	}
	if err != nil {
		return "", err
	}
	if out.Refusal != "" {
		s.refusals++
		return "", refused(out.Refusal)
	}
	return out.Pending, nil
}

// refuseStarter says that the person who started a sync does not confirm it: what it would
// drop needs a second person.
func (s *syncRun) refuseStarter(decision string, in wire.QuarantineDecision) string {
	if decision != wire.ConfirmUpdate || s.startedBy == "" || access.Fold(s.startedBy) != access.Fold(in.By) {
		return ""
	}
	return fmt.Sprintf("%s started this sync: somebody else must confirm it", strings.TrimSpace(in.By))
}

func (s *syncRun) mayDecide(in wire.QuarantineDecision) error {
	switch {
	case strings.TrimSpace(in.By) == "":
		return refused(`"by" is missing: say who decides, as in {"by":"ana@example.com"}`)
	case s.refusals >= maxRefusals:
		return refused(fmt.Sprintf("%d decisions did not count, which is the limit: start a new sync", s.refusals))
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
