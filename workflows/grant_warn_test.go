package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// warningsOf runs a grant of that length whose requester is notified, and returns
// how long before its end, as it is then, each warning came.
func warningsOf(t *testing.T, long time.Duration, before func(*requestEnv)) []time.Duration {
	t.Helper()
	r, in := newRequest(t), grantInput(long)
	asks := planInput(in)
	r.on(wire.PlanActivity, asks).Return(wire.PlanResult{Plan: planOf(asks), Notify: true}, nil).Once()
	var out []time.Duration
	r.on(wire.AnnounceActivity, mock.Anything).Return(func(_ context.Context, in wire.AnnounceInput) error {
		if in.Event.Type == wire.EventAboutToExpire {
			require.Equal(t, wire.Event{
				Type: wire.EventAboutToExpire, Request: request, Run: in.Event.Run,
			}, in.Event, "text and people are the activity's to find")
			out = append(out, r.requestStatus().EndsAt.Sub(r.Now()))
		}
		return nil
	})
	r.applies(access.OpAcquire, access.Applied).Once()
	r.applies(access.OpRelease, access.Released).Once()
	if before != nil {
		before(r)
	}
	require.Equal(t, "expired", r.grant(in).State)
	return out
}

// The longer a grant, the earlier it is announced to end: a day before at most.
func TestGrant_WarnsBeforeItsEnd(t *testing.T) {
	t.Parallel()
	for long, want := range map[time.Duration]time.Duration{
		2 * time.Hour: 15 * time.Minute, 8 * time.Hour: time.Hour, 8 * time.Minute: time.Minute,
		4 * 24 * time.Hour: 12 * time.Hour, 30 * 24 * time.Hour: 24 * time.Hour,
	} {
		require.Equal(t, []time.Duration{want}, warningsOf(t, long, nil), long)
	}
}

// Extended, it is announced by the new end: again where that was done already, and once
// where it was not.
func TestGrant_WarnsBeforeAnExtendedEnd(t *testing.T) {
	t.Parallel()
	extendedAt := func(at time.Duration) []time.Duration {
		return warningsOf(t, 2*time.Hour, func(r *requestEnv) {
			r.acceptsExtensions().Once()
			longer := access.Duration(2 * time.Hour)
			r.sendUpdate(at, wire.ExtendUpdate, wire.ExtendInput{By: bobMail, Duration: longer})
		})
	}
	require.Equal(t, []time.Duration{15 * time.Minute, 16 * time.Minute}, extendedAt(112*time.Minute),
		"at first as told, then an eighth of the 128 minutes that are left")
	require.Equal(t, []time.Duration{22*time.Minute + 30*time.Second}, extendedAt(time.Hour), "an eighth of 3 h")
}
