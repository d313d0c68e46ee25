package sync

import (
	"context"

	"sentinelone-provisioner/internal/attempt"
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
// or not. Repeating the call returns the first answer.
func (s *Activities) Decide(ctx context.Context, in wire.StopActivityInput) (wire.StopResult, error) {
	defer attempt.KeepAlive(ctx)()
	if err := s.checkSnapshot(ctx, in.Request.Run); err != nil {
		return wire.StopResult{}, err
	}
	return signed.Checker{Signers: s.signers, Store: s.store, Console: s.console.Console()}.Stop(ctx, in)
}
