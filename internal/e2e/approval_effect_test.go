package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Six requests for one person, all planned on the same roles and approved in one go, are six
// roles: nobody is asked again because another of them was applied first.
func TestApproval_SixRequestsForOnePerson(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, oneLeadPolicy)
	var wanted []access.Holding
	var runs []client.WorkflowRun
	for site := range 6 {
		h := s.world.AtSite("SOC", site)
		if site == 0 { // where the user holds Viewer: another role at that scope
			h = s.world.AtSite("Admin", 0)
		}
		wanted = append(wanted, h)
		runs = append(runs, s.startGrant(fmt.Sprint("/", site), s.inputFor(s.user, h, "")))
	}
	for _, run := range runs {
		s.untilStatus(run, isAwaitingApproval)
	}
	for _, run := range runs {
		_, err := s.decide(run, "approve", "carol@example.com")
		require.NoError(t, err)
	}
	for i, run := range runs {
		got := s.result(run)
		require.Equal(t, wire.StateGranted, got.State, got.Message)
		require.Len(t, got.Receipt.Decisions, 1, "nobody was asked twice")
		require.True(t, s.holdings().Holds(wanted[i]))
	}
}

// Two approved windows on one role at one scope that overlap are one stretch: the second is not
// asked about again because the first has begun.
func TestApproval_OverlappingWindowsAreOneStretch(t *testing.T) {
	t.Parallel()
	s := newGrantEnvWithPolicy(t, oneLeadPolicy)
	p := &grantPair{grantEnv: s, name: "approved", spans: 1, before: s.holdings()}
	now := time.Now().UTC()
	for _, w := range []struct{ start, duration time.Duration }{
		{20 * time.Second, 25 * time.Second}, {25 * time.Second, 30 * time.Second},
	} {
		in := p.input(w.duration.String())
		in.StartAt = new(now.Add(w.start))
		p.from, p.to = append(p.from, *in.StartAt), append(p.to, in.StartAt.Add(w.duration))
		run := p.startGrant("/"+w.start.String(), in)
		s.untilStatus(run, isAwaitingApproval)
		_, err := s.decide(run, "approve", "carol@example.com")
		require.NoError(t, err)
		p.runs = append(p.runs, run)
	}
	p.requireHeldOverUnion(t)
}
