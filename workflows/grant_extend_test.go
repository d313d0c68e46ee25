package workflows_test

import (
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
	c := newCouncilOn(t, in, access.Approval{Steps: []access.ApprovalStep{stepOf(1, carolMail), stepOf(1, daveMail)}})
	c.applies(access.OpAcquire, access.Applied).Once()
	c.applies(access.OpRelease, access.Released).Once()
	c.sends(time.Minute, "approve", narrowing(2*time.Hour, 0))
	c.says(2*time.Minute, "approve", daveMail)
	longer := c.tells(time.Hour, wire.ExtendUpdate, wire.ExtendInput{By: bobMail, Duration: 1})
	require.Equal(t, "expired", c.grant(in).State)
	require.Equal(t, began.Add(2*time.Hour+2*time.Minute), c.Now().UTC())
	longer.refused(t, "carol@example.com has approved it for 2h and no longer; request a new grant")
}

// However little each adds, the end is moved so often only: a workflow takes a limited
// number of updates, and `end` is one.
func TestGrant_ExtendTooOften(t *testing.T) {
	t.Parallel()
	r, in := newRequest(t), grantInput(4*time.Hour)
	r.plans(in)
	r.applies(access.OpAcquire, access.Applied).Once()
	r.takesNote().Times(100)
	r.applies(access.OpRelease, access.Released).Once()
	bit := wire.ExtendInput{By: bobMail, Duration: 1}
	for i := range 100 {
		r.tells(time.Hour+time.Duration(i)*time.Second, wire.ExtendUpdate, bit)
	}
	more := r.tells(2*time.Hour, wire.ExtendUpdate, bit)
	require.Equal(t, "expired", r.grant(in).State)
	more.refused(t, "it was extended 100 times, which is the limit")
}
