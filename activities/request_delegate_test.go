package activities

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
	"sentinelone-provisioner/internal/wire"
)

const (
	carolMail = "carol@example.com"
	daveMail  = "dave@example.com"
	erinMail  = "erin@example.com"
)

// delegationFixture is a desk where people hand over their decisions.
type delegationFixture struct {
	*grantFixture

	keys map[string]sshtest.Key
	file string // of allowed signers
}

func newDelegationFixture(t *testing.T) *delegationFixture {
	t.Helper()
	return &delegationFixture{grantFixture: newGrantFixture(t, consoletest.Options{Seed: 3, Sites: 2})}
}

// signed has the worker ask for signatures; each person has a key.
func (h *delegationFixture) signed() *delegationFixture {
	h.t.Helper()
	h.keys, h.file = sshtest.People(h.t, carolMail, daveMail, erinMail)
	allowed, err := signing.LoadAllowedSigners(h.file, "")
	require.NoError(h.t, err)
	h.request.CheckingSignatures(allowed)
	return h
}

// delegateInput is one attempt to hand by's decisions to another, for a day unless changed. A
// number tells the runs that ask for it apart.
func (h *delegationFixture) delegateInput(
	by, to string,
	number int,
	changes ...func(*access.Delegation),
) wire.DelegateInput {
	h.t.Helper()
	d := access.Delegation{By: by, To: to, At: h.now, Duration: access.Duration(24 * time.Hour), SignedAt: h.now}
	for _, change := range changes {
		change(&d)
	}
	d = d.Timed()
	if key, ok := h.keys[by]; ok {
		d.Request, d.Console = "delegate/1", h.client.Console()
		signature, err := signing.Sign(h.t.Context(), key, signing.OfDelegation(d))
		require.NoError(h.t, err)
		d.Signature = signature
	}
	return wire.DelegateInput{
		Request:    wire.RequestInfo{ID: "delegate/1", Run: fmt.Sprint("run ", number)},
		Delegation: d,
	}
}

func back(d *access.Delegation) { d.Duration, d.Until = 0, d.At.Add(-time.Second) }

// delegateTwice runs an attempt again, which must give the first answer.
func (h *delegationFixture) delegateTwice(in wire.DelegateInput) wire.DelegateResult {
	h.t.Helper()
	first, err := executeActivity[wire.DelegateResult](h.grantFixture, wire.DelegateActivity, in)
	require.NoError(h.t, err)
	again, err := executeActivity[wire.DelegateResult](h.grantFixture, wire.DelegateActivity, in)
	require.NoError(h.t, err)
	require.Equal(h.t, first, again)
	return first
}

// decide has somebody decide where others are asked.
func (h *delegationFixture) decide(number int, by string, asked ...string) wire.DecideResult {
	h.t.Helper()
	return h.decideRefused("may not decide", number, by, asked...)
}

// decideDirectly has somebody decide who is asked.
func (h *delegationFixture) decideDirectly(number int, by string) wire.DecideResult {
	h.t.Helper()
	return h.decideRefused("", number, by)
}

func (h *delegationFixture) decideRefused(refusal string, number int, by string, asked ...string) wire.DecideResult {
	h.t.Helper()
	in := wire.DecideInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run"}, Number: number, Refusal: refusal, Delegators: asked,
		Decision: access.Decision{
			At: h.now, By: by, Action: "approve", PlanHash: strings.Repeat("a", 64),
			SignedAt: h.now.Add(time.Duration(number) * time.Second), // so that no two say the same
		},
	}
	if key, ok := h.keys[by]; ok {
		s := signing.OfDecision("grant/1", "run", in.Decision.PlanHash, in.Decision)
		signature, err := signing.Sign(h.t.Context(), key, s)
		require.NoError(h.t, err)
		in.Decision.Signature = signature
	}
	out, err := executeActivity[wire.DecideResult](h.grantFixture, wire.DecideActivity, in)
	require.NoError(h.t, err)
	again, err := executeActivity[wire.DecideResult](h.grantFixture, wire.DecideActivity, in)
	require.NoError(h.t, err)
	require.Equal(h.t, out, again)
	return out
}

// A delegation counts from its start until its end, or until it is revoked, for
// those who are asked and for nobody else.
func TestDelegate_CountsWhileItHolds(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t)
	require.Equal(t, "may not decide", h.decide(0, daveMail, carolMail).Refusal)
	got := h.delegateTwice(h.delegateInput(carolMail, daveMail, 0))
	require.Empty(t, got.Refusal)
	require.Equal(t, h.now.Add(24*time.Hour), got.Delegation.Until)
	require.Equal(t, access.Unsigned, got.Delegation.Signed)
	require.Equal(t, h.client.Console(), got.Delegation.Console)

	counts := h.decide(1, " Dave@Example.com", erinMail, carolMail)
	require.Empty(t, counts.Refusal)
	require.Equal(t, carolMail, counts.OnBehalfOf)
	require.Equal(t, got.Delegation, *counts.Delegation)
	require.Equal(t, "may not decide", h.decide(2, daveMail, erinMail).Refusal, "carol is not asked")
	require.Equal(t, "may not decide", h.decide(3, daveMail).Refusal, "nobody is")
	h.delegateTwice(h.delegateInput(daveMail, erinMail, 1))
	require.Equal(t, "may not decide", h.decide(4, erinMail, carolMail).Refusal, "delegations do not chain")

	h.now = h.now.Add(24 * time.Hour)
	require.Equal(t, "may not decide", h.decide(5, daveMail, carolMail).Refusal, "it is over")
}

func TestDelegate_TakenBack(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t)
	none := h.delegateTwice(h.delegateInput(carolMail, daveMail, 0, back))
	require.Contains(t, none.Refusal, "no delegation to end")
	h.delegateTwice(h.delegateInput(carolMail, daveMail, 1))
	h.now = h.now.Add(time.Hour)
	require.Contains(t, h.delegateTwice(h.delegateInput(carolMail, erinMail, 2, back)).Refusal, "no delegation to end")
	require.Empty(t, h.decide(0, daveMail, carolMail).Refusal)
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 3, back)).Refusal)
	require.Equal(t, "may not decide", h.decide(1, daveMail, carolMail).Refusal)

	first := h.delegateInput(carolMail, daveMail, 1)
	first.Delegation.At = first.Delegation.At.Add(-time.Hour)
	h.delegateTwice(first) // a late attempt of the one before
	require.Equal(t, "may not decide", h.decide(2, daveMail, carolMail).Refusal)
	require.Equal(t, []ledger.Kind{"delegation", "delegation", "delegation", "delegation"}, h.ledger("delegate/1"))
}

func TestDelegate_Signed(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t).signed()
	bare := h.delegateInput(carolMail, daveMail, 0)
	bare.Delegation.Signature = ""
	require.Contains(t, h.delegateTwice(bare).Refusal, "a signature is required")
	for i, change := range []func(*access.Delegation){
		func(d *access.Delegation) { d.To = erinMail },
		func(d *access.Delegation) { d.By = erinMail },
		func(d *access.Delegation) { d.Duration *= 2 },
		func(d *access.Delegation) { d.Comment = "another" },
		func(d *access.Delegation) { d.SignedAt = d.SignedAt.Add(time.Second) },
	} {
		changed := h.delegateInput(carolMail, daveMail, 10+i)
		change(&changed.Delegation)
		require.NotEmpty(t, h.delegateTwice(changed).Refusal, "change %d", i)
	}
	elsewhere := h.delegateInput(carolMail, daveMail, 1)
	elsewhere.Request.ID = "delegate/2"
	require.Contains(t, h.delegateTwice(elsewhere).Refusal, "does not match the statement")
	old := h.delegateInput(
		carolMail,
		daveMail,
		2,
		func(d *access.Delegation) { d.SignedAt = d.SignedAt.Add(-2 * time.Hour) },
	)
	require.Contains(t, h.delegateTwice(old).Refusal, "sign again")
	require.Equal(t, "may not decide", h.decide(0, daveMail, carolMail).Refusal)

	got := h.delegateTwice(h.delegateInput(carolMail, daveMail, 3))
	require.Empty(t, got.Refusal)
	require.Equal(t, h.keys[carolMail].Fingerprint(), got.Delegation.Signed)
	counts := h.decide(1, daveMail, carolMail)
	require.Empty(t, counts.Refusal)
	require.Equal(t, h.keys[daveMail].Fingerprint(), counts.Signed, "dave signs himself")
}

// What carol signed and took back does not come to life again by being shown again.
func TestDelegate_UsedOnce(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t).signed()
	first := h.delegateInput(carolMail, daveMail, 0)
	require.Empty(t, h.delegateTwice(first).Refusal)
	h.now = h.now.Add(time.Minute)
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 1, back)).Refusal)
	replayed := first
	for i, run := range []string{"run 2", "another run"} {
		h.now = h.now.Add(time.Minute)
		replayed.Request.Run, replayed.Delegation.At = run, h.now
		got := h.delegateTwice(replayed)
		require.Contains(t, got.Refusal, "was already used", "replay %d", i)
		require.Equal(t, "may not decide", h.decide(i, daveMail, carolMail).Refusal)
	}
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 4)).Refusal, "she may say it again herself")
	require.Empty(t, h.decide(9, daveMail, carolMail).Refusal)
	require.Len(t, h.ledger("delegate/1"), 5, "what was refused is in the ledger too")
}

// A delegation as claimed does not count where signatures are asked for, nor one whose
// key is gone.
func TestDelegate_CheckedAgainWhenItCounts(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t)
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 0)).Refusal)
	h.signed()
	require.Contains(t, h.decide(0, daveMail, carolMail).Refusal,
		"the delegation of carol@example.com does not count: a signature is required")
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 1)).Refusal)
	require.Empty(t, h.decide(1, daveMail, carolMail).Refusal)
	text, err := os.ReadFile(h.file)
	require.NoError(t, err)
	_, without, _ := strings.Cut(string(text), "\n")
	require.NoError(t, os.WriteFile(h.file, []byte(without), 0o600))
	require.Contains(t, h.decide(2, daveMail, carolMail).Refusal, "is not in the file of allowed signers")
	require.NoError(t, os.Remove(h.file))
	_, err = executeActivity[wire.DecideResult](h.grantFixture, wire.DecideActivity, wire.DecideInput{
		Request: wire.RequestInfo{ID: "grant/1", Run: "run"}, Number: 3, Refusal: "no", Delegators: []string{carolMail},
		Decision: access.Decision{At: h.now, By: daveMail, Action: "approve"},
	})
	require.False(t, attempttest.ApplicationError(t, err).NonRetryable(), "it cannot be told: it waits")
}

func TestDelegate_OtherConsole(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t)
	in := h.delegateInput(carolMail, daveMail, 0)
	in.Delegation.Console = "other.example.com"
	_, err := executeActivity[wire.DelegateResult](h.grantFixture, wire.DelegateActivity, in)
	require.Equal(t, "Conflict", attempttest.ApplicationError(t, err).Type())
}
