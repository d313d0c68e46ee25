package access

import (
	"fmt"
	"strings"
)

// Describe lists the consequences that an approver must know besides Before and After, one
// clause each.
func (s Step) Describe() []string {
	var out []string
	if s.LevelChange {
		out = append(out, fmt.Sprintf("moves the principal from %s to %s level", s.Before.Level, s.After.Level))
	}
	if len(s.Loses) > 0 {
		var lost []string
		for i, h := range s.Loses {
			if i == MaxListed {
				lost = append(lost, fmt.Sprintf("and %d more roles", len(s.Loses)-i))
				break
			}
			lost = append(lost, "role "+h.RoleID+" at "+Scope{Level: s.Before.Level, ID: h.ScopeID}.String())
		}
		out = append(out, "removes "+strings.Join(lost, ", "))
	}
	if s.Delete {
		out = append(out, "deletes the principal")
	}
	if s.LastRole == LastRoleDowngrade {
		out = append(out, "removes the last role, so the policy's downgrade role replaces it")
	}
	return out
}

// Recorded is the step as the ledger keeps it: many losses follow from Before and After.
func (s Step) Recorded() Step {
	if len(s.Loses) > MaxListed {
		s.Loses = nil
	}
	return s
}
