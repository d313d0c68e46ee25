package sync

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signed"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// CheckingSignatures sets whose signatures decisions about quarantined snapshots must carry. Without signers the
// names are recorded as claimed.
func (s *Activities) CheckingSignatures(signers *signing.AllowedSigners) *Activities {
	s.signers = signers
	return s
}

// Decide verifies who confirms or discards a quarantined snapshot, and writes it into the ledger, whether it counts
// or not. The policy says who confirms, and how many. Repeating the call returns the first answer.
func (s *Activities) Decide(ctx context.Context, in wire.StopActivityInput) (wire.StopResult, error) {
	defer attempt.KeepAlive(ctx)()
	if err := s.checkSnapshot(ctx, in.Request.Run); err != nil {
		return wire.StopResult{}, err
	}
	checker := signed.Checker{Signers: s.signers, Store: s.store, Console: s.console.Console()}
	if in.Stop.Action != wire.ConfirmUpdate {
		return checker.Stop(ctx, in)
	}
	out, err := checker.StopIf(ctx, in, func(by access.Stop) (string, error) {
		judged, err := s.judgeConfirmation(ctx, in, by)
		return judged.Refusal, err
	})
	if err != nil || out.Refusal != "" {
		return out, err
	}
	by := in.Stop
	by.Signed = out.Signed
	judged, err := s.judgeConfirmation(ctx, in, by)
	out.Pending, out.Refusal = judged.Pending, judged.Refusal
	return out, err
}

// judgeConfirmation says what a confirmation does, after those of other people that count.
func (s *Activities) judgeConfirmation(
	ctx context.Context, in wire.StopActivityInput, by access.Stop,
) (policy.Confirmation, error) {
	run := ledger.Run{Request: in.Request.ID, ID: in.Request.Run}
	entries, err := s.store.LedgerOf(ctx, s.console.Console(), run.Request)
	if err != nil {
		return policy.Confirmation{}, err
	}
	var earlier []access.Decision
	for _, e := range entries {
		if e.Kind != ledger.KindStop || !run.Owns(e.Key) {
			continue
		}
		kept, err := ledger.DecodeAs[ledger.Stop](e)
		if err != nil {
			return policy.Confirmation{}, err
		}
		claim := s.signers != nil && kept.Signed == access.Unsigned // from before signatures were required
		if kept.Refusal == "" && kept.Action == wire.ConfirmUpdate && !claim && e.Key != run.StopKey(by, "") {
			earlier = append(earlier, confirmation(kept.Stop, run.ID))
		}
	}
	return s.policy.Confirm(policy.Quarantine{
		Console: s.console.Console(), Snapshot: run.ID, StartedBy: in.StartedBy, Since: in.Request.StartedAt,
	}, earlier, confirmation(by, run.ID))
}

// confirmation is a confirmation of a snapshot as a decision.
func confirmation(by access.Stop, snapshot string) access.Decision {
	return access.Decision{
		At: by.At, By: by.By, Action: approval.Approve, PlanHash: snapshot, Comment: by.Comment,
		Signed: by.Signed, Signature: by.Signature, SignedAt: by.SignedAt,
	}
}

// checkConfirmed makes sure, where signatures are required, that the ledger has as many confirmations of the snapshot
// that count as the policy requires: the workflow that asks to promote it may be anybody's.
func (s *Activities) checkConfirmed(ctx context.Context, snapshot string) error {
	if s.signers == nil {
		return nil
	}
	run := ledger.Run{Request: activity.GetInfo(ctx).WorkflowExecution.ID, ID: snapshot}
	entries, err := s.store.LedgerOf(ctx, s.console.Console(), run.Request)
	if err != nil {
		return err
	}
	var confirmed []access.Decision
	for _, e := range entries {
		if e.Kind != ledger.KindStop || !run.Owns(e.Key) {
			continue
		}
		kept, err := ledger.DecodeAs[ledger.Stop](e)
		if err != nil {
			return err
		}
		if kept.Refusal != "" || kept.Action != wire.ConfirmUpdate {
			continue
		}
		verified, err := s.signers.Verify(signing.OfStop(run.Request, run.ID, kept.Stop), kept.Signature, e.At)
		if _, unreadable := errors.AsType[*signing.FileError](err); unreadable {
			return err
		}
		if err != nil {
			continue
		}
		by := kept.Stop
		by.Signed = verified.Fingerprint
		d := confirmation(by, run.ID)
		judged, err := s.policy.Confirm(policy.Quarantine{Console: s.console.Console(), Snapshot: run.ID}, confirmed, d)
		if err != nil || judged.Enough {
			return err
		}
		confirmed = append(confirmed, d)
	}
	if len(confirmed) > 0 {
		return kinds.New(kinds.Refused, fmt.Errorf("the policy requires more confirmations of snapshot %s than the "+
			"ledger holds: confirm it with `starter confirm`", snapshot))
	}
	return kinds.New(kinds.Refused, fmt.Errorf("the ledger holds no signed confirmation of snapshot %s: "+
		"confirm it with `starter confirm`", snapshot))
}
