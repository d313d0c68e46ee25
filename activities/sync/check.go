package sync

import (
	"context"
	"sync/atomic"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/inspect"
	"sentinelone-provisioner/internal/wire"
)

// Check proves that the token works and that its role has every permission the
// collections need, before anything is read in earnest.
func (s *Activities) Check(ctx context.Context, in wire.SyncCheckInput) (wire.SyncCheckResult, error) {
	defer attempt.KeepAlive(ctx)()
	if err := s.checkSnapshot(ctx, in.Snapshot); err != nil {
		return wire.SyncCheckResult{}, err
	}
	var requests atomic.Int64
	counting := console.WithRequestCounter(ctx, &requests)
	report := inspect.Run(counting, s.console, in.Collections, s.now())
	if err := report.Err(); err != nil {
		s.recordWait(ctx, in.Snapshot, "", err, int(requests.Load()))
		return wire.SyncCheckResult{}, err
	}
	s.markFeed(counting, in)
	out := wire.SyncCheckResult{
		Expected:       make(map[access.Collection]int, len(in.Collections)),
		TokenExpiresAt: report.TokenExpiresAt,
		Warnings:       report.Warnings,
		Requests:       int(requests.Load()),
	}
	s.warnOfToken(ctx, report.TokenExpiresAt)
	for _, p := range report.Permissions {
		if p.Total != nil {
			out.Expected[p.Collection] = *p.Total
		}
	}
	return out, nil
}
