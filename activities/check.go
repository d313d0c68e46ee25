package activities

import (
	"context"
	"sync/atomic"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/inspect"
)

// CheckInput says what a sync is about to read.
type CheckInput struct {
	Snapshot    string              `json:"snapshot"`
	Collections []access.Collection `json:"collections"`
}

// CheckResult is what the console said of itself.
type CheckResult struct {
	// Expected has the console's own count per collection, where it gave one.
	Expected       map[access.Collection]int `json:"expected"`
	TokenExpiresAt *time.Time                `json:"tokenExpiresAt,omitempty"`
	Warnings       []string                  `json:"warnings,omitempty"`
	Requests       int                       `json:"requests"`
}

// Check proves that the token works and that its role has every permission the
// collections need, before anything is read in earnest.
func (s *Sync) Check(ctx context.Context, in CheckInput) (CheckResult, error) {
	defer keepAlive(ctx, nothing)()
	if err := s.mine(ctx, in.Snapshot); err != nil {
		return CheckResult{}, err
	}
	var requests atomic.Int64
	report := inspect.Run(console.WithRequestCounter(ctx, &requests), s.console, in.Collections, s.now())
	if err := report.Err(); err != nil {
		s.noteWait(ctx, in.Snapshot, "", err, int(requests.Load()))
		return CheckResult{}, err
	}
	out := CheckResult{
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
