package workflows_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// What an approver has shortened is not lengthened again, by whomever and however little.
func TestGrant_ExtendShortened(t *testing.T) {
	t.Parallel()
	in := grantInput(8 * time.Hour)
	steps := []access.ApprovalStep{stepOf(1, carolMail), stepOf(1, daveMail)}
	c := newDecisionDriverFor(t, in, access.Approval{Steps: steps})
	c.applies(access.OpAcquire, access.Applied).Once()
	c.applies(access.OpRelease, access.Released).Once()
	c.sendDecision(time.Minute, "approve", narrowing(2*time.Hour, 0))
	c.decides(2*time.Minute, "approve", daveMail)
	longer := c.sendUpdate(time.Hour, wire.ExtendUpdate, wire.ExtendInput{By: bobMail, Duration: 1})
	require.Equal(t, "expired", c.grant(in).State)
	require.Equal(t, began.Add(2*time.Hour+2*time.Minute), c.Now().UTC())
	longer.requireRefused(t, "carol@example.com has approved it for 2h and no longer; request a new grant")
}

// However little each adds, the end is moved so often only: a workflow takes a limited
// number of updates, and `end` is one.
func TestGrant_ExtendTooOften(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.acceptsExtensions().Times(100)
	r.applies(access.OpRelease, access.Released).Once()
	bit := wire.ExtendInput{By: bobMail, Duration: 1}
	for i := range 100 {
		r.sendUpdate(time.Hour+time.Duration(i)*time.Second, wire.ExtendUpdate, bit)
	}
	more := r.sendUpdate(2*time.Hour, wire.ExtendUpdate, bit)
	require.Equal(t, "expired", r.grant(in).State)
	more.requireRefused(t, "it was extended 100 times, which is the limit")
}

// The writer learns the ends of concurrent extensions in their order: the last one must be
// the end that it keeps.
func TestGrant_ExtensionsReachTheWriterInOrder(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.acceptsExtensions().After(10 * time.Minute).Once()
	r.acceptsExtensions().Once()
	r.applies(access.OpRelease, access.Released).Once()
	hour := wire.ExtendInput{By: bobMail, Duration: access.Duration(time.Hour)}
	r.sendUpdate(time.Hour, wire.ExtendUpdate, hour)
	r.sendUpdate(time.Hour+time.Minute, wire.ExtendUpdate, hour)
	require.Equal(t, "expired", r.grant(in).State)
	require.Equal(t, claim+"/extend/1", r.applied[1].Change.Key)
	require.Equal(t, claim+"/extend/2", r.applied[2].Change.Key)
	require.Equal(t, began.Add(6*time.Hour), r.applied[2].Change.Change.Lease.End)
}

// An extension that waited for another one is refused if the grant has ended meanwhile, by
// itself or by an update.
func TestGrant_EndedWhileAnExtensionWaited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ended         bool // by an update
		state, refuse string
	}{
		"end reached": {false, "expired", "cannot extend: the state is releasing"},
		"ended":       {true, "ended", "cannot extend: carol@example.com has ended it already"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, in := newRequest(t), grantInput(time.Hour)
			r.plans(in)
			r.applies(access.OpAcquire, access.Applied).Once()
			r.acceptsExtensions().After(time.Hour).Once()
			r.applies(access.OpRelease, access.Released).After(2 * time.Hour).Once()
			minute := wire.ExtendInput{By: bobMail, Duration: access.Duration(time.Minute)}
			first := r.sendUpdate(30*time.Minute, wire.ExtendUpdate, minute)
			second := r.sendUpdate(40*time.Minute, wire.ExtendUpdate, minute)
			if c.ended {
				r.sendUpdate(50*time.Minute, wire.EndUpdate, byCarol())
			}
			got := r.grant(in)
			require.Equal(t, c.state, got.State)
			first.requireAccepted(t)
			require.NoError(t, second.rejected, "it came in time, and waited")
			require.ErrorContains(t, second.err, c.refuse)
			require.Len(t, got.Receipt.Extensions, 1)
		})
	}
}

// Of extensions that come at once one is recorded; the others learn that it is.
func TestGrant_ExtendAtOnce(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.acceptsExtensions().Once()
	r.applies(access.OpRelease, access.Released).Once()
	bit := wire.ExtendInput{By: bobMail, Duration: 1}
	asked := make([]*updateReply, 20)
	for i := range asked {
		asked[i] = r.sendUpdate(time.Hour, wire.ExtendUpdate, bit)
	}
	require.Equal(t, "expired", r.grant(in).State)
	accepted := 0
	for _, one := range asked {
		if one.rejected == nil && one.err == nil {
			accepted++
			continue
		}
		require.ErrorContains(t, cmp.Or(one.rejected, one.err), "another extension is being recorded: try again")
	}
	require.Equal(t, 1, accepted)
}
