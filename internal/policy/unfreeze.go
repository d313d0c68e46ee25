package policy

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// Unfreeze is a freeze that people want to end.
type Unfreeze struct {
	Console string
	Since   time.Time // when giving access was frozen
	// By are the messages of distinct people who want to end the freeze, oldest first. Signed
	// must be the verified fingerprint.
	By []access.Decision
	// MaySign tells whose a key is; nil where names are claims.
	MaySign approval.MaySign
	// Signed says that signatures are required: then two people end a freeze at least.
	Signed bool
}

// Unfreeze judges whether people end a freeze together: one of them asks for it, whoever that
// is, and the others approve it as the rules for unfreeze say. Without such a rule, one other
// person is enough, and nobody else is needed where names are claims. The person who froze
// may be one of them.
func (p *Policy) Unfreeze(u Unfreeze) (Confirmation, error) {
	var first *Confirmation
	for i, asker := range u.By {
		c, err := p.unfreezeAskedBy(asker, slices.Delete(slices.Clone(u.By), i, i+1), u)
		if err != nil || c.Enough {
			return c, err
		}
		if first == nil {
			first = &c
		}
	}
	if first == nil {
		return Confirmation{}, nil
	}
	return *first, nil
}

func (p *Policy) unfreezeAskedBy(asker access.Decision, others []access.Decision, u Unfreeze) (Confirmation, error) {
	if p.naming(opUnfreeze) == nil && !u.Signed {
		return Confirmation{Enough: true}, nil
	}
	now := asker.At
	for _, d := range others {
		if d.At.After(now) {
			now = d.At
		}
	}
	result, err := p.Evaluate(Input{Op: OpUnfreeze, Requester: asker.By, Now: now})
	if err != nil {
		return Confirmation{}, err
	}
	if result.Refusal != "" {
		return Confirmation{Refusal: result.Refusal}, nil
	}
	if len(result.Approval.Steps) == 0 {
		if !u.Signed {
			return Confirmation{Enough: true}, nil
		}
		result.Approval.Required = true
		result.Approval.Steps = []access.ApprovalStep{{Need: 1, Groups: []string{access.Anyone}, People: []string{}}}
	}
	s := approval.New(approval.Request{
		Requester: asker.By, Key: asker.Signed, Console: u.Console, PlanHash: unfreezePlan,
	}, result.Approval, u.Since)
	s.Deadline, s.MaySign = time.Time{}, u.MaySign
	for counted := true; counted; { // a later step may open for a person who came before
		counted = false
		for _, d := range others {
			d.Action, d.Step, d.PlanHash = approval.Approve, s.Step, unfreezePlan
			if s.Check(d, d.At) == nil {
				s, counted = s.Record(d), true
			}
		}
	}
	return Confirmation{Enough: s.Verdict == approval.Approved, Pending: s.Pending()}, nil
}

// unfreezePlan stands for a plan, since a freeze has none.
const unfreezePlan = "unfreeze"
