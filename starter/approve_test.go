package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// What a decision would count toward is said before it is taken.
func TestWeight(t *testing.T) {
	t.Parallel()
	until := describe.Second(noon.Add(time.Hour))
	needs := " (needs 1 more approval, from leads, until " + until + ")"
	s := inboxStatus()
	s.Approval.Delegates = []wire.StepDelegate{{By: carol, To: "eve@example.com", Until: noon}}
	is := func(by, want string) {
		t.Helper()
		require.Equal(t, want,
			pendingDecision{action: approval.Approve, in: wire.DecisionInput{By: by}}.weight(s))
	}
	is(carol, "counts toward step 1 of 2"+needs)
	is("eve@example.com", "counts toward step 1 of 2"+needs+", in the place of carol@example.com, "+
		"whose delegation to you ends at "+describe.Second(noon))
	is("erin@example.com", "may not count: erin@example.com is not eligible to decide: "+
		"it is pending for 1 of 2 from leads until "+describe.Second(noon.Add(time.Hour)))
	is("bob@example.com", "does not count: bob@example.com is the requester: "+
		"requesters do not decide on their own requests")
	s.State, s.Approval.Review = wire.StateAwaitingReview, true
	is(carol, "counts toward the review"+needs)
	s.Approval.Verdict = "denied"
	is(carol, "comes too late: it is decided already: denied, last by Dave@example.com at "+describe.Second(noon))
}
