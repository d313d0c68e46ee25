package sync

import (
	"fmt"

	"sentinelone-provisioner/internal/store"
)

// Guard is what a sync may drop without anybody being asked.
type Guard struct {
	MaxPercent int // of a collection or of the assignments
	MinRows    int // up to so many rows may always go
}

// reasons lists every loss that goes too far. A list that held rows and now holds
// none is always one: an outage looks the same.
func (g Guard) reasons(losses []store.Loss, counts map[string]int) []string {
	var out []string
	for _, l := range losses {
		switch {
		case l.Before == 0 || l.Gone == 0:
		case l.Gone > g.MinRows && l.Gone*100 > g.MaxPercent*l.Before:
			out = append(out, fmt.Sprintf("%d of %d %s would be gone (more than %d %%)",
				l.Gone, l.Before, l.What, g.MaxPercent))
		case counts[l.What] == 0:
			out = append(out, fmt.Sprintf("all %d %s would be gone", l.Before, l.What))
		}
	}
	return out
}
