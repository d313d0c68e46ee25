package sync

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// outside is a sync without Temporal that sleeps for no time.
func (b *syncFixture) outside(snapshot string, patience time.Duration) *Outside {
	b.t.Helper()
	o := NewOutside(b.sync.console, b.store, OutsideOptions{
		Snapshot: snapshot, Log: slog.New(slog.DiscardHandler), Patience: patience,
	})
	o.sleep = func(ctx context.Context, _ time.Duration) bool { return ctx.Err() == nil }
	return o
}

// What a sync without Temporal promotes is the console's truth, also when faults hit it, and the next one is
// unchanged.
func TestOutside_Truth(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{Sites: 1001, Users: 1002, Accounts: 2})
	for _, c := range access.Collections() {
		for _, kind := range []consoletest.FaultKind{
			consoletest.BadGateway, consoletest.RateLimited, consoletest.EmptyObject, consoletest.EmptyPage,
		} {
			b.console.AddFault(consoletest.Fault{Name: kind, Path: path(c), Only: consoletest.OnlyPages, Times: 1})
		}
	}
	got, err := b.outside("s1", time.Hour).Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, wire.StatePromoted, got.State, got.Reasons)
	b.requireTruth()

	got, err = b.outside("s2", 0).Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, wire.StateUnchanged, got.State)
}

// A console that asks for more time than there is ends the call, and the next one goes on where it was.
func TestOutside_GoesOn(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{Sites: 3, Users: 2500})
	b.console.AddFault(consoletest.Fault{
		Name: consoletest.RateLimited, Path: path(access.Users), Only: consoletest.OnlyPages, After: 1, Times: 1,
	})
	o := b.outside("s1", 0)
	_, err := o.Run(t.Context())
	require.Equal(t, kinds.RateLimited, fault.KindOf(err), err)
	b.requireNothingPromoted()

	got, err := o.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, wire.StatePromoted, got.State)
	b.requireTruth()
	firstPages := 0
	for _, r := range b.console.Requests() {
		if r.Page() && r.Path == path(access.Users) && r.Cursor == "" {
			firstPages++
		}
	}
	require.Equal(t, 1, firstPages, "the saved page is not read again")
}

// What does not balance is quarantined with the reasons, and readers see none of it.
func TestOutside_Unproven(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{Sites: 3, Users: 1500})
	b.console.AddFault(consoletest.Fault{
		Name: consoletest.Vanish, Path: path(access.Users), Only: consoletest.OnlyPages, After: 1, Times: 100,
	})
	o := b.outside("s1", time.Hour)
	got, err := o.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, wire.SettledQuarantined, got.State)
	require.Len(t, got.Reasons, 1)
	require.Contains(t, got.Reasons[0], "not proven complete: ")
	require.Equal(t, wire.MaxDrains, o.progress[access.Users].attempt)
	b.requireNothingPromoted()
}

// A refused token and a missing permission end it at once.
func TestOutside_Final(t *testing.T) {
	t.Parallel()
	for fails, kind := range map[consoletest.FaultKind]kinds.Kind{
		consoletest.Unauthorized: kinds.Unauthenticated, consoletest.Forbidden: kinds.Forbidden,
	} {
		b := newSyncFixture(t, consoletest.Options{Sites: 3})
		b.console.AddFault(consoletest.Fault{Name: fails, Path: path(access.Users), Times: 100})
		_, err := b.outside("s1", time.Hour).Run(t.Context())
		require.Equal(t, kind, fault.KindOf(err))
		if kind == kinds.Forbidden {
			require.ErrorContains(t, err, "Users.view")
		}
		b.requireNothingPromoted()
	}
}

// The end of the context ends it, though the console would be waited for.
func TestOutside_Cancelled(t *testing.T) {
	t.Parallel()
	b := newSyncFixture(t, consoletest.Options{Sites: 3})
	b.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Times: 1000})
	ctx, cancel := context.WithCancel(t.Context())
	o := b.outside("s1", time.Hour)
	o.sleep = func(context.Context, time.Duration) bool {
		cancel()
		return false
	}
	_, err := o.Run(ctx)
	require.Error(t, err)
	require.Error(t, ctx.Err())
	b.requireNothingPromoted()
}
