package pending

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

const (
	carol = "carol@example.com"
	dave  = "dave@example.com"
	erin  = "erin@example.com"
	eve   = "eve@example.com"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// leadsStatus returns a request that needs two leads, of whom dave has approved.
func leadsStatus() wire.RequestStatus {
	plan := access.Plan{
		Op: access.OpAcquire, Console: "acmeco.example.net",
		Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "2", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"},
		Terms: access.Terms{
			Requester: "bob@example.com", Reason: "INC-42", Duration: access.Duration(4 * time.Hour),
		},
		Before: access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "1", ScopeID: "9"}}},
		After:  access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "2", ScopeID: "9"}}},
		Notes:  []string{"one role a site"},
		Approval: access.Approval{Required: true, Policy: "two leads, then the ciso", Steps: []access.ApprovalStep{
			{Need: 2, Groups: []string{"leads"}, People: []string{carol, "dave@example.com"}},
			{Need: 1, Groups: []string{"ciso"}, People: []string{"erin@example.com"}},
		}},
	}.Seal()
	return wire.RequestStatus{
		State: wire.StateAwaitingApproval, Request: "grant/INC-42", Run: "r1", Requester: "bob@example.com",
		StartedAt: noon, Waiting: "for 1 of 2 from leads", Plan: &plan, Approval: &wire.ApprovalStatus{
			Steps: 2, Need: 2, Given: 1, From: []string{"leads"}, Until: noon.Add(time.Hour),
			People: []string{carol, "dave@example.com", "frank@example.com"}, // escalated to frank
			Decisions: []access.Decision{{
				At: noon, By: "Dave@example.com", Action: "approve", Duration: access.Duration(2 * time.Hour),
				Signed: access.Unsigned,
			}},
		},
	}
}
