package authority_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
)

// froze puts a freeze or an unfreeze on record as one that counts, signed if signatures are
// required. It stands under an id of its own.
func (s *scene) froze(frozen bool, by string) {
	s.t.Helper()
	s.now = s.now.Add(time.Minute)
	of := ledger.Run{Request: "freeze/" + s.now.Format("1504"), ID: "run"}
	f := access.Freeze{Frozen: frozen, By: by, Reason: "INC-7", Console: acme, Signed: access.Unsigned}
	if s.signers != nil {
		f.SignedAt, f.Signed = s.now, s.keys[by].Fingerprint()
		f.Signature = s.sign(by, signing.OfFreeze(of.Request, f))
	}
	s.recordFreeze(of, ledger.Freeze{Freeze: f})
}

func (s *scene) recordFreeze(of ledger.Run, body ledger.Freeze) {
	s.t.Helper()
	e, err := ledger.NewEntry{Request: of.Request, Key: of.FreezeKey(), At: s.now, Body: body}.Entry(acme, s.now)
	require.NoError(s.t, err)
	require.Equal(s.t, ledger.FreezeSubject, e.Subject)
	e, s.head = s.head.Chain(e)
	s.entries = append(s.entries, e)
}

func (s *scene) freezeState(policies ...string) access.FreezeState {
	s.t.Helper()
	rules := authority.FreezeRules{Console: acme, Signers: s.signers, Policy: policy.BuiltIn()}
	for _, text := range policies {
		rules.Policy = s.keep(text)
	}
	state, err := authority.FrozenBy(s.entries, rules)
	require.NoError(s.t, err)
	return state
}

// One person freezes at once. Where signatures are required, two distinct people end it, of
// whom one may be the person who froze.
func TestFrozenBy_TwoPeopleEndASignedFreeze(t *testing.T) {
	t.Parallel()
	s := newScene(t, nobody, true)
	s.froze(false, carol)
	require.Equal(t, access.FreezeState{}, s.freezeState())
	s.froze(true, carol)
	want := access.FreezeState{
		Frozen: true, Since: s.now, By: carol, Reason: "INC-7", Signed: s.keys[carol].Fingerprint(),
	}
	require.Equal(t, want, s.freezeState(), "an unfreeze before it does not count")
	s.froze(false, carol)
	s.froze(false, carol)
	want.Unfreezing, want.Pending = []string{carol}, "for 1 of 1 from anyone"
	require.Equal(t, want, s.freezeState(), "one person twice is one")
	s.froze(false, dave)
	require.Equal(t, access.FreezeState{}, s.freezeState())
	s.froze(true, bob)
	state := s.freezeState()
	require.Equal(t, bob, state.By, "the unfreezes before it are used up")
	require.Empty(t, state.Unfreezing)
}

// A freeze after another one leaves the first as it is, and ends the unfreezes before it.
func TestFrozenBy_FrozenAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t, nobody, true)
	s.froze(true, carol)
	since := s.now
	s.froze(false, bob)
	s.froze(true, dave)
	s.froze(false, carol)
	state := s.freezeState()
	require.True(t, state.Frozen)
	require.Equal(t, []string{carol}, state.Unfreezing)
	require.Equal(t, since, state.Since)
	require.Contains(t, state.String(), "by "+carol+"; "+carol+" would end it, which is pending for 1 of 1 from anyone")
}

// Where names are claims, one person ends a freeze, unless the policy asks for more.
func TestFrozenBy_Claimed(t *testing.T) {
	t.Parallel()
	s := newScene(t, nobody, false)
	s.froze(true, bob)
	require.Equal(t, access.Unsigned, s.freezeState().Signed)
	s.froze(false, bob)
	require.False(t, s.freezeState().Frozen)
	const owners = "groups: {leads: [carol@example.com]}\n" +
		"rules:\n  - {name: thaw, for: [unfreeze], approvals: [{need: 1, from: [leads]}]}\n"
	require.True(t, s.freezeState(owners).Frozen)
	s.froze(false, dave)
	require.Equal(t, "for 1 of 1 from leads", s.freezeState(owners).Pending, "dave is no lead")
	s.froze(false, carol)
	require.False(t, s.freezeState(owners).Frozen)
}

// The order in which people come does not matter: any of them may be the one who asks.
func TestFrozenBy_PolicyInAnyOrder(t *testing.T) {
	t.Parallel()
	const owners = "groups: {leads: [carol@example.com], ops: [dave@example.com]}\n" +
		"rules:\n  - {name: thaw, for: [unfreeze], approvals: [{need: 1, from: [ops]}, {need: 1, from: [leads]}]}\n"
	for _, order := range [][]string{{carol, dave, bob}, {bob, carol, dave}, {dave, bob, carol}} {
		s := newScene(t, nobody, true)
		s.froze(true, bob)
		for i, by := range order {
			require.True(t, s.freezeState(owners).Frozen, "%v: %d", order, i)
			s.froze(false, by)
		}
		require.False(t, s.freezeState(owners).Frozen, "%v", order)
	}
	s := newScene(t, nobody, true)
	s.froze(true, bob)
	s.froze(false, bob)
	const auto = "rules:\n  - {name: thaw, for: [unfreeze], autoApprove: true}\n"
	require.True(t, s.freezeState(auto).Frozen, "signed, it takes two whatever the rule says")
}

// What is refused counts for nothing. A key that was revoked since still freezes, and ends
// nothing; one key with two names is one person.
func TestFrozenBy_KeysThatDoNotCount(t *testing.T) {
	t.Parallel()
	s := newScene(t, nobody, true)
	refused := access.Freeze{Frozen: true, By: bob, Reason: "INC-7", Console: acme, Signed: access.Unsigned}
	s.recordFreeze(ledger.Run{Request: "freeze/0", ID: "run"}, ledger.Freeze{Freeze: refused, Refusal: "not signed"})
	require.False(t, s.freezeState().Frozen)

	s.froze(true, dave)
	s.froze(false, carol)
	s.froze(false, dave)
	require.False(t, s.freezeState().Frozen)
	s.revoke(dave)
	state := s.freezeState()
	require.True(t, state.Frozen)
	require.Equal(t, dave, state.By)
	require.Len(t, state.Doubts, 1)
	require.Contains(t, state.String(), "the unfreeze of dave@example.com does not count: key SHA256:")
	require.NoError(t, os.WriteFile(s.revoked, nil, 0o600))

	text, err := os.ReadFile(s.file)
	require.NoError(t, err)
	own := `dave@*,c*@example.com namespaces="sentinelone-provisioner" ` + s.keys[dave].Public() + "\n"
	require.NoError(t, os.WriteFile(s.file, append(text, own...), 0o600))
	require.True(t, s.freezeState().Frozen, "dave's key may sign for carol too")

	require.NoError(t, os.WriteFile(s.file, text, 0o600))
	require.False(t, s.freezeState().Frozen)
	require.NoError(t, os.Remove(s.file))
	_, err = authority.FrozenBy(s.entries, authority.FreezeRules{
		Console: acme, Signers: s.signers, Policy: policy.BuiltIn(),
	})
	require.Error(t, err, "without the file the answer is not known")
}

// An unfreeze that was changed, or is for another console, ends nothing. Nor does an unsigned
// one once signatures are required, and a worker that has lost its signers stays frozen.
func TestFrozenBy_ForgedAndUnsigned(t *testing.T) {
	t.Parallel()
	s := newScene(t, nobody, true)
	s.froze(true, bob)
	s.froze(false, carol)
	s.now = s.now.Add(time.Minute)
	forged := access.Freeze{By: dave, Console: acme, SignedAt: s.now, Signed: s.keys[dave].Fingerprint()}
	forged.Signature = s.sign(dave, signing.OfFreeze("freeze/another", forged))
	s.recordFreeze(ledger.Run{Request: "freeze/1", ID: "run"}, ledger.Freeze{Freeze: forged})
	require.Contains(t, s.freezeState().String(), "the unfreeze of dave@example.com does not count")

	s.froze(false, dave)
	require.False(t, s.freezeState().Frozen)
	signers := s.signers
	s.signers = nil
	require.Contains(t, s.freezeState().String(), "this worker has no ALLOWED_SIGNERS")
	shown, err := authority.FrozenBy(s.entries, authority.FreezeRules{
		Console: acme, Policy: policy.BuiltIn(), Recorded: true,
	})
	require.NoError(t, err)
	require.False(t, shown.Frozen, "shown as recorded")

	s.froze(true, bob)
	s.froze(false, bob)
	s.signers = signers
	require.Contains(t, s.freezeState().String(), "the unfreeze of bob@example.com is not signed")
}
