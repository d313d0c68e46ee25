package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// Delegates of the approvers are notified too, unless they are ineligible; other
// news is not for them.
func TestNotify_AsksDelegates(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t)
	n := NewNotify(nil, h.store, h.client.Console(), nil)
	for i, to := range []string{daveMail, "bob@example.com", erinMail} {
		require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, to, i)).Refusal)
	}
	told := func(typ string, at time.Time, people ...string) []string {
		e := wire.Event{Type: typ, At: at, People: people}
		n.addDelegates(t.Context(), &e, []string{"Bob@example.com"})
		return e.People
	}
	for _, typ := range []string{wire.EventRequested, wire.EventReminder, wire.EventEscalated} {
		require.Equal(t, []string{erinMail, carolMail, daveMail}, told(typ, h.now, erinMail, carolMail))
	}
	require.Equal(t, []string{carolMail}, told(wire.EventDecided, h.now, carolMail))
	require.Equal(t, []string{carolMail}, told(wire.EventRequested, h.now.Add(25*time.Hour), carolMail))
	require.Equal(t, []string{erinMail}, told(wire.EventRequested, h.now, erinMail))
	require.Empty(t, told(wire.EventRequested, h.now))
	d := access.Delegation{
		By: erinMail, To: daveMail, At: h.now, Until: h.now.Add(time.Hour), Console: h.client.Console(),
	}
	kept, err := h.store.Append(t.Context(), d.Console, ledger.NewEntry{
		Request: "delegate/99", Key: "delegate/99#run/delegation", Body: ledger.Delegation{Delegation: d},
	})
	require.NoError(t, err)
	require.NoError(t, h.store.KeepDelegation(t.Context(), kept[0].Seq, d))
	require.Equal(t, []string{erinMail, daveMail}, told(wire.EventRequested, h.now, erinMail))
}
