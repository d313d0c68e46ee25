package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
)

// Two grants of one role at one scope whose times overlap, meet, or contain one another: by
// the log of changes of the console, the role is there during the union of both times.
// Package workflows tests all thirteen relations with skipped time.
func TestGrant_TwoOverlapping(t *testing.T) { //nolint:tparallel // the grants run side by side
	t.Parallel()
	s := newGrantEnv(t)
	type times struct{ start, duration time.Duration }
	var all []*grantPair
	for _, r := range []struct {
		name          string
		first, second times
		spans         int // at most
	}{
		{"overlaps", times{10 * time.Second, 30 * time.Second}, times{15 * time.Second, 35 * time.Second}, 1},
		{"contains", times{10 * time.Second, 40 * time.Second}, times{15 * time.Second, 25 * time.Second}, 1},
		// The order of the two at that moment is not specified.
		{"meets", times{10 * time.Second, 20 * time.Second}, times{30 * time.Second, 20 * time.Second}, 2},
	} {
		p := &grantPair{grantEnv: s.withUser(r.name + "@example.com"), name: r.name, spans: r.spans}
		p.before = p.holdings()
		now := time.Now().UTC()
		for _, g := range []times{r.first, r.second} {
			in := p.input(g.duration.String())
			in.StartAt = new(now.Add(g.start))
			p.from = append(p.from, *in.StartAt)
			p.to = append(p.to, in.StartAt.Add(g.duration))
			p.runs = append(p.runs, p.startGrant("/"+r.name+"/"+g.start.String(), in))
		}
		all = append(all, p)
	}
	for _, p := range all {
		t.Run(p.name, p.requireHeldOverUnion)
	}
}

type grantPair struct {
	*grantEnv

	name     string
	spans    int
	before   access.Holdings
	from, to []time.Time
	runs     []client.WorkflowRun
}

func (p *grantPair) requireHeldOverUnion(t *testing.T) {
	t.Helper()
	given := make([]time.Time, len(p.runs)) // when each was proven
	for i, run := range p.runs {
		got := p.result(run)
		require.Equal(t, "expired", got.State, got.Message)
		p.requireReceipt(got)
		reads := got.Receipt.Proofs[0].Reads
		given[i] = reads[len(reads)-1].At
	}
	require.Equal(t, p.before, p.holdings())
	spans := p.heldSpans(t)
	require.LessOrEqual(t, len(spans), p.spans)
	for i := range p.runs {
		covered := false
		for _, s := range spans {
			covered = covered || !s.from.After(given[i]) && !s.to.Before(p.to[i])
		}
		require.True(t, covered, "grant %d is held from its proof to its end", i)
	}
	last := p.to[0]
	if p.to[1].After(last) {
		last = p.to[1]
	}
	for _, s := range spans {
		require.False(t, s.from.Before(p.from[0]), "before the first begins")
		require.True(t, s.from.Before(last), "after the last has ended")
	}
}

// span is a time during which the user held the role.
type span struct{ from, to time.Time }

// heldSpans reads the spans from the log of the console, which has each change before the
// console answers the request.
func (p *grantPair) heldSpans(t *testing.T) []span {
	t.Helper()
	var out []span
	for _, c := range p.console.Changes() {
		had, has := c.Before.Holds(p.requested), c.After.Holds(p.requested)
		switch {
		case c.ID != p.user.ID || had == has:
		case has:
			require.Equal(t, consoletest.ByAPI, c.By)
			out = append(out, span{from: c.At})
		default:
			out[len(out)-1].to = c.At
		}
	}
	require.NotEmpty(t, out)
	return out
}
