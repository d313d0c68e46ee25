package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// While giving access is frozen, an approved grant waits and says why, and a lease ends as
// approved. One person does not end the freeze, nor do two names of one key; two people do.
func TestFreeze_StopsGivingOnly(t *testing.T) {
	t.Parallel()
	e := newSignedEnv(t)
	const carol, dave = "carol@example.com", "dave@example.com"
	in := e.input("40s")
	in.Console = e.consoleKey()
	short := e.startGrant("short", e.signGrant(in, e.grantID("short"), "bob@example.com", e.now()))
	e.approveSigned(short, carol)
	e.approveSigned(short, dave)
	e.untilStatus(short, func(s wire.RequestStatus) bool { return s.State == wire.StateActive })
	other := *e
	other.grantEnv = e.withUser("frozen@example.com")
	waits := other.startSigned("waits")

	frozen := e.signedStarter("freeze", carol, "--reason", "INC-7")
	require.Zero(t, frozen.code, frozen.stderr)
	other.approveSigned(waits, carol)
	other.approveSigned(waits, dave)
	const why = "giving access is frozen since "
	status := other.untilStatus(waits, func(s wire.RequestStatus) bool {
		return len(s.Waiting) > len(why) && s.Waiting[:len(why)] == why
	})
	require.Contains(t, status.Waiting, " by "+carol+": it goes on after `starter unfreeze`")

	ended := e.result(short)
	require.Equal(t, wire.StateExpired, ended.State, ended.Message)
	require.False(t, e.holdings().Holds(e.requested))

	unsigned := e.start(wire.FreezeID(t.Name()), wire.FreezeType, wire.FreezeInput{
		Action: wire.UnfreezeAction, By: dave, Console: e.consoleKey(),
	})
	require.ErrorContains(t, unsigned.Get(e.ctx(), nil), "a signature is required: unfreeze with `starter unfreeze`")
	for _, by := range []string{"gus@example.com", "henry@example.com", "gus@example.com"} {
		got := e.signedStarter("unfreeze", by)
		require.Zero(t, got.code, got.stderr)
		require.Contains(t, got.stdout, "stays frozen, pending for 1 of 1 from anyone")
	}
	require.True(t, e.freezeState().Frozen)
	require.False(t, other.holdings().Holds(e.requested))

	got := e.signedStarter("unfreeze", dave)
	require.Zero(t, got.code, got.stderr)
	require.False(t, e.freezeState().Frozen)
	given := other.result(waits)
	require.Equal(t, wire.StateGranted, given.State, given.Message)
	require.True(t, other.holdings().Holds(e.requested))
	e.requireLedger()
}

// signedStarter runs a command of somebody, signed with their key.
func (e *signedEnv) signedStarter(command, by string, more ...string) commandResult {
	e.t.Helper()
	return e.starter(append([]string{command, "--by", by, "--key", e.keys[by].path}, more...)...)
}

// freezeState is what `starter freeze status` shows.
func (s *stack) freezeState() access.FreezeState {
	s.t.Helper()
	got := s.starter("freeze", "status", "-o", "json")
	require.Zero(s.t, got.code, got.stderr)
	var out access.FreezeState
	require.NoError(s.t, json.Unmarshal([]byte(got.stdout), &out))
	return out
}
