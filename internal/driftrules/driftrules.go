// Package driftrules applies the drift rules of a policy to what the store has found: what is to be done about an
// assignment, and when. The worker does it, and `starter drift --plan` shows it.
package driftrules

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
)

// Release is what is done about overdue access, whatever the rules say.
const Release policy.DriftAction = "release"

// Planned is what is to be done about an assignment that is drift.
type Planned struct {
	Action policy.DriftAction `json:"action"`
	Rule   string             `json:"rule,omitempty"` // "" for none
	// At is when it is done at the earliest; zero where nothing is done but to report it.
	At time.Time `json:"at,omitzero"`
	// Approval says whose approval a revert needs, in words; else "".
	Approval string `json:"approval,omitempty"`
	// Why says why it is only reported though there are rules, such as a condition that fails; else "".
	Why string `json:"why,omitempty"`
}

// Due says whether something is to be done now.
func (p Planned) Due(now time.Time) bool { return !p.At.IsZero() && !now.Before(p.At) }

// Plan says what the policy has the system do about an assignment.
func Plan(p *policy.Policy, row store.DriftRow, now time.Time) Planned {
	if row.Drift == drift.Overdue {
		return Planned{Action: Release, At: row.Since.Add(store.OverdueAfter)}
	}
	in := input(row, now)
	said := p.Drift(string(row.Drift), in)
	out := Planned{Action: said.Action, Rule: said.Rule, Why: said.Why}
	if said.Action == policy.DriftReport {
		return out
	}
	out.At = row.Since.Add(said.After)
	if said.Action == policy.DriftRevert {
		out.Approval = p.Revert(said.Rule, in).Approval.Policy
	}
	return out
}

// input is what drift rules read of an assignment.
func input(row store.DriftRow, now time.Time) policy.Input {
	return policy.Input{
		Op: access.OpRevoke, Now: now, Requester: policy.SystemRequester,
		Principal: access.PrincipalRef{Kind: row.Kind, ID: row.ID, Email: row.Email, Name: row.Name},
		Role:      policy.Role{ID: row.RoleID, Name: row.RoleName, Predefined: row.Predefined},
		Scope:     policy.Scope{Level: row.Level, ID: row.ScopeID, Name: row.ScopeName, Account: row.AccountID},
	}
}
