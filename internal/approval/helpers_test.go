package approval_test

import (
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

const (
	ana   = "ana@example.com" // the recipient
	bob   = "bob@example.com" // the requester
	carol = "carol@example.com"
	dave  = "dave@example.com"
	erin  = "erin@example.com"
	frank = "frank@example.com"

	host = "acmeco.sentinelone.net"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return noon.Add(d) }

func stepOf(need int, people ...string) access.ApprovalStep {
	return access.ApprovalStep{Need: need, Groups: []string{"leads"}, People: people}
}

func anyone(need int) access.ApprovalStep {
	return access.ApprovalStep{Need: need, Groups: []string{access.Anyone}, People: []string{}}
}

// planOf is of bob's request that ana gets a role for four hours, with these steps and
// ten hours to decide.
func planOf(steps ...access.ApprovalStep) access.Plan {
	return access.Plan{
		Op: access.OpAcquire, Console: host, Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: ana},
		Role: access.RoleRef{ID: "2"}, Scope: access.ScopeRef{Level: access.SiteLevel, ID: "3"},
		Terms: access.Terms{Requester: bob, Duration: access.Duration(4 * time.Hour)},
		Approval: access.Approval{
			Required: true, Steps: steps, DecideWithin: access.Duration(10 * time.Hour),
		},
	}.Seal()
}

// reviewed is the same as break-glass, to be reviewed within four hours.
func reviewed(step access.ApprovalStep) access.Plan {
	p := planOf()
	p.Approval = access.Approval{
		Review: &access.Review{ApprovalStep: step, Within: access.Duration(4 * time.Hour)},
	}
	return p.Seal()
}

func opened(steps ...access.ApprovalStep) approval.State { return approval.Of(planOf(steps...), noon) }

// escalating is escalated to dave, erin, ana and bob after an hour.
func escalating(steps ...access.ApprovalStep) approval.State {
	p := planOf(steps...)
	p.Approval.EscalateAfter = access.Duration(time.Hour)
	p.Approval.EscalateTo = []string{dave, "Erin@example.com", ana, bob}
	return approval.Of(p.Seal(), noon)
}

// decide is a decision that was taken at the moment it came.
func decide(s approval.State, at time.Time, action, by string) access.Decision {
	return s.Stamp(access.Decision{At: at, By: by, Action: action, Signed: access.Unsigned}, at)
}

// after records approvals a minute after noon.
func approvedBy(s approval.State, people ...string) approval.State {
	for _, p := range people {
		s = s.Record(decide(s, after(time.Minute), approval.Approve, p))
	}
	return s
}

// delegation is one from noon on for a day.
func delegation(by, to string) access.Delegation {
	return access.Delegation{
		By: by, To: to, At: noon, Until: after(24 * time.Hour), Console: host, Signed: access.Unsigned,
	}
}
