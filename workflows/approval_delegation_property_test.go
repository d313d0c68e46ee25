package workflows_test

import (
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// addEscalation lets some people in after a while, in most runs; the requester may be one.
func (b *approvalModel) addEscalation(a *access.Approval) {
	if b.rand.IntN(3) == 0 {
		return
	}
	a.EscalateAfter = access.Duration(time.Duration(5+b.rand.IntN(40)) * time.Minute)
	for n := range approverCount + 3 { // some of whom nobody asks otherwise
		if b.rand.IntN(2) > 0 {
			a.EscalateTo = append(a.EscalateTo, person(n))
		}
	}
}

// delegateAtRandom hands decisions from anybody to anybody at random times, and takes
// some back.
func (b *approvalModel) delegateAtRandom() {
	for range b.rand.IntN(40) {
		by, to := b.rand.IntN(approverCount+3), b.rand.IntN(approverCount+3)
		in := wire.DelegationInput{By: person(by), To: person(to)}
		length := time.Duration(1+b.rand.IntN(60)) * time.Minute
		in.Duration = access.Duration(length)
		if b.rand.IntN(6) == 0 {
			in.Duration, in.Until = 0, began.Add(-time.Minute)
		}
		b.RegisterDelayedCallback(func() {
			b.recordDelegation(in.Delegation(b.Now()).Timed())
		}, time.Duration(b.rand.IntN(50))*time.Minute)
	}
}

// recordDelegation keeps the latest delegation from each person to each other.
func (b *approvalModel) recordDelegation(d access.Delegation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, e := range b.delegations {
		if fold(e.By) == fold(d.By) && fold(e.To) == fold(d.To) && e.Until.After(d.At) {
			b.delegations[i].Until = d.At
		}
	}
	b.delegations = append(b.delegations, d)
}

func (b *approvalModel) hasDelegated(by, to string, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.delegations, func(d access.Delegation) bool {
		return fold(d.By) == fold(by) && fold(d.To) == fold(to) && d.InForce(at)
	})
}

// answerDecide is what activity Decide answers.
func (b *approvalModel) answerDecide(in wire.DecideInput) wire.DecideResult {
	out := wire.DecideResult{Signed: access.Unsigned, Refusal: in.Refusal}
	for _, p := range in.Delegators {
		if b.hasDelegated(p, in.Decision.By, in.Decision.At) {
			out.Refusal, out.OnBehalfOf = "", p
			return out
		}
	}
	return out
}

// isEligible says whether an approval is by a person who is eligible for the step then, or
// by a delegate of one.
func (b *approvalModel) isEligible(step int, d access.Decision) bool {
	a := b.plan.Approval
	may := func(who string) bool {
		late := a.EscalateAfter > 0 && !d.At.Before(b.asked.Add(time.Duration(a.EscalateAfter)))
		return slices.Contains(a.Steps[step].People, who) || late && slices.Contains(a.EscalateTo, who)
	}
	if d.OnBehalfOf == "" {
		return may(fold(d.By))
	}
	return may(d.OnBehalfOf) && b.hasDelegated(d.OnBehalfOf, d.By, d.At)
}

// countWays counts what the approvals of a granted request rest on, and checks that each
// says so.
func (b *approvalModel) countWays(seen map[string]int) {
	delegated, escalated := false, false
	for _, d := range b.counted {
		delegated = delegated || d.OnBehalfOf != ""
		speaker := fold(d.By)
		if d.OnBehalfOf != "" {
			speaker = d.OnBehalfOf
		}
		late := !slices.Contains(b.plan.Approval.Steps[d.Step].People, speaker)
		require.Equal(b.t, late, !d.EscalatedAt.IsZero(), "%+v", d)
		escalated = escalated || late
	}
	if delegated {
		seen["delegated"]++
	}
	if escalated {
		seen["escalated"]++
	}
}
