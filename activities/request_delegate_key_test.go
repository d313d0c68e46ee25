package activities

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// sameKey lets one key of the file sign for another name too.
func (h *delegationFixture) sameKey(owner, name string) {
	h.t.Helper()
	text, err := os.ReadFile(h.file)
	require.NoError(h.t, err)
	h.keys[name] = h.keys[owner]
	line := name + " " + string(ssh.MarshalAuthorizedKey(h.keys[owner].PublicKey()))
	require.NoError(h.t, os.WriteFile(h.file, append(text, line...), 0o600))
	allowed, err := signing.LoadAllowedSigners(h.file, "")
	require.NoError(h.t, err)
	h.request.CheckingSignatures(allowed)
}

// alsoFor lists a person's key for more names, on a line of its own.
func (h *delegationFixture) alsoFor(owner, names string) {
	h.t.Helper()
	own, kept := h.keys[owner], h.keys[names]
	h.sameKey(owner, names)
	h.keys[owner], h.keys[names] = own, kept
}

// A second key that a wildcard line lists for its owner too makes no second person.
func TestDecide_SecondKeyOfAWildcard(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t).signed()
	require.Empty(t, h.decideDirectly(0, carolMail).Refusal)
	h.alsoFor(daveMail, "carol@*,!bob@example.com")
	require.Contains(t, h.decideDirectly(1, daveMail).Refusal, "dave@example.com cannot count besides "+
		"carol@example.com, who approved it: key "+h.keyOf(daveMail)+" may also sign for carol@example.com")
	require.Empty(t, h.decideDirectly(2, erinMail).Refusal)

	h = newDelegationFixture(t).signed()
	h.alsoFor(carolMail, "bob@example.com")
	asked := ledger.Request{Signature: &access.RequestSignature{Signed: "SHA256:of bob"}}
	asked.Plan.Terms.Requester, asked.Plan.Console = "Bob@example.com", h.client.Console()
	_, err := h.request.recordPlan(t.Context(), wire.RequestInfo{ID: "grant/1", Run: "run"}, 0, asked)
	require.NoError(t, err)
	require.Contains(t, h.decideDirectly(0, carolMail).Refusal, "who requested it")
	require.Empty(t, h.decideDirectly(1, daveMail).Refusal)
}

// Whoever has two names in the file is one person by way of a delegation too: the key that
// handed a decision over does not approve under its other name, nor the other way round.
func TestDecide_KeyBehindADelegation(t *testing.T) {
	t.Parallel()
	const mia = "mia@example.com"
	h := newDelegationFixture(t).signed()
	h.sameKey(carolMail, mia)
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 0)).Refusal)
	require.Empty(t, h.decide(0, daveMail, carolMail).Refusal)
	require.Contains(t, h.decideDirectly(1, mia).Refusal,
		"with which dave@example.com for carol@example.com has approved")

	h = newDelegationFixture(t).signed()
	h.sameKey(carolMail, mia)
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 0)).Refusal)
	require.Empty(t, h.decideDirectly(0, mia).Refusal)
	require.Contains(t, h.decide(1, daveMail, carolMail).Refusal, "with which mia@example.com has approved")
	require.Empty(t, h.decideDirectly(2, erinMail).Refusal)
}

// The same person, on the same plan that is put to people once more, is no second one.
func TestDecide_KeyOfTheSamePerson(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t).signed()
	require.Empty(t, h.decideDirectly(0, carolMail).Refusal)
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 0)).Refusal)
	require.Empty(t, h.decide(1, daveMail, carolMail).Refusal)
}

// A requester's key that handed over a decision under another name counts for nothing.
func TestDecide_RequestersKeyBehindADelegation(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t).signed()
	h.sameKey(carolMail, "bob@example.com")
	asked := ledger.Request{Signature: &access.RequestSignature{Signed: h.keyOf(carolMail)}}
	asked.Plan.Terms.Requester, asked.Plan.Console = "bob@example.com", h.client.Console()
	_, err := h.request.recordPlan(t.Context(), wire.RequestInfo{ID: "grant/1", Run: "run"}, 0, asked)
	require.NoError(t, err)
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 0)).Refusal)
	require.Contains(t, h.decide(0, daveMail, carolMail).Refusal, "with which bob@example.com has requested it")
}

func (h *delegationFixture) keyOf(name string) string { return h.keys[name].Fingerprint() }

// A signature is held against the time at which the delegation came, however long the
// ledger cannot be written.
func TestDelegate_FreshWhenItCame(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t).signed()
	in := h.delegateInput(carolMail, daveMail, 0)
	h.now = h.now.Add(26 * time.Hour)
	require.Empty(t, h.delegateTwice(in).Refusal)
}
