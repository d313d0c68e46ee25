package policy

import (
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// Quarantine is a sync whose mass loss people confirm.
type Quarantine struct {
	Console  string
	Snapshot string
	// StartedBy is who started the sync; "" for a schedule.
	StartedBy string
	Since     time.Time // when people could decide first
}

// Confirmation is what a decision to confirm does.
type Confirmation struct {
	Enough bool // the sync is promoted
	// Refusal says why the decision does not count; "" if it counts.
	Refusal string
	// Pending says what is missing if it is not enough, as in "for 1 of 2 from owners".
	Pending string
}

// Confirm judges a decision to confirm a quarantined sync, after earlier ones that count.
// Who started the sync does not confirm its mass loss, whatever the rules say. Without a
// rule for confirm, one other person is enough. Signed in decisions must be the verified
// fingerprint. Discarding needs no approval: it changes nothing.
func (p *Policy) Confirm(q Quarantine, earlier []access.Decision, d access.Decision) (Confirmation, error) {
	result, err := p.Evaluate(Input{Op: OpConfirm, Requester: q.StartedBy, Now: d.At})
	if err != nil {
		return Confirmation{}, err
	}
	if result.Refusal != "" {
		return Confirmation{Refusal: result.Refusal}, nil
	}
	s := approval.New(approval.Request{
		Requester: q.StartedBy, Console: q.Console, PlanHash: q.Snapshot,
	}, result.Approval, q.Since)
	s.Deadline = time.Time{} // the quarantine has one of its own
	for _, one := range earlier {
		one.Step = s.Step
		if s.Check(one, one.At) == nil {
			s = s.Record(one)
		}
	}
	d.Action, d.Step, d.PlanHash = approval.Approve, s.Step, q.Snapshot
	refusal := s.Check(d, d.At)
	switch {
	case refusal != nil && refusal.Reason == approval.IsRequester:
		return Confirmation{Refusal: fmt.Sprintf("%s started this sync: who started a sync does not confirm its loss; "+
			"ask another person to confirm, or discard it", d.By)}, nil
	case refusal != nil:
		return Confirmation{Refusal: refusal.Text}, nil
	}
	s = s.Record(d)
	return Confirmation{Enough: s.Verdict == approval.Approved, Pending: s.Pending()}, nil
}
