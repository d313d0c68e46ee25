package sync

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/store"
)

// Guard is what a sync may drop without anybody being asked.
type Guard struct {
	MaxPercent int // of a collection or of the assignments
	MinRows    int // up to so many rows may always go
}

// reasons lists every loss that goes too far. A list that held rows and now holds
// none is always one: an outage looks the same. What the ledger explains counts neither
// as a loss nor as what was there before, so it hides no other loss.
func (g Guard) reasons(losses []store.Loss, counts map[string]int) []string {
	var out []string
	for _, l := range losses {
		gone, before, beside := l.Gone-l.Explained, l.Before-l.Explained, ""
		if l.Explained > 0 {
			beside = fmt.Sprintf(", beside %d that requests have ended", l.Explained)
		}
		switch {
		case before == 0 || gone == 0:
		case gone > g.MinRows && gone*100 > g.MaxPercent*before:
			out = append(out, fmt.Sprintf("%d of %d %s would be gone (more than %d %%)%s",
				gone, before, l.What, g.MaxPercent, beside))
		case counts[l.What] == 0:
			out = append(out, fmt.Sprintf("all %d %s would be gone%s", before, l.What, beside))
		}
	}
	return out
}

// lossReasons is reasons, without what the ledger explains. It looks there only for a loss that goes too far, so
// other syncs pay nothing for it. Where it cannot look, the loss is held back: a person sees it.
func (s *Activities) lossReasons(ctx context.Context, snapshot string, assessed store.Assessment) []string {
	reasons := s.guard.reasons(assessed.Losses, assessed.Counts)
	if len(reasons) == 0 || s.claims == nil {
		return reasons
	}
	err := s.claims(ctx)
	losses := assessed.Losses
	if err == nil {
		losses, err = s.store.ExplainLosses(ctx, snapshot, assessed.Losses)
	}
	if err != nil {
		attempt.Logger(ctx).Warn("Cannot tell which losses the ledger explains: all count",
			"snapshot", snapshot, "error", err)
		return reasons
	}
	return s.guard.reasons(losses, assessed.Counts)
}
