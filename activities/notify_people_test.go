package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
)

// Delegates of the approvers are notified too, unless they are ineligible; other news is not
// for them. Those whom only a claim names receive no e-mail.
func TestNotify_AsksDelegates(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t)
	m := newNotifyFixture(t, h.store, h.client.Console())
	m.now = h.now
	for i, to := range []string{daveMail, "bob@example.com", erinMail} {
		require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, to, i)).Refusal)
	}
	asks := func(request string, people ...string) {
		m.asks(request, func(r *ledger.Request) {
			r.Plan.Terms.Requester = "Bob@example.com"
			r.Plan.Approval.Steps[0].People = people
			r.Plan.Approval.EscalateTo = nil
			if len(people) == 0 {
				r.Plan.Approval.Steps[0].Groups = []string{access.Anyone}
			}
		})
	}
	asks("grant/both", erinMail, carolMail)
	asks("grant/carol", carolMail)
	asks("grant/erin", erinMail)
	asks("grant/anyone")
	told := func(typ, request string) []string {
		e, err := m.notify.build(t.Context(), requestEvent(typ, request))
		require.NoError(t, err)
		return e.People
	}
	require.Equal(t, []string{erinMail, carolMail, daveMail}, told(wire.EventRequested, "grant/both"))
	require.Equal(t, []string{carolMail, daveMail, erinMail}, told(wire.EventRequested, "grant/carol"))
	require.Equal(t, []string{erinMail}, told(wire.EventRequested, "grant/erin"))
	require.Empty(t, told(wire.EventRequested, "grant/anyone"))
	m.now = h.now.Add(4 * time.Hour)
	require.Equal(t, []string{erinMail, carolMail, daveMail}, told(wire.EventReminder, "grant/both"))
	plan := m.asks("grant/two", func(r *ledger.Request) { r.Plan.Approval.Steps[0].Need = 2 })
	m.decides("grant/two", 0, plan, carolMail, "approve", "")
	require.Equal(t, []string{carolMail, erinMail}, told(wire.EventDecided, "grant/two"))
	m.now = h.now.Add(25 * time.Hour)
	asks("grant/late", carolMail)
	require.Equal(t, []string{carolMail}, told(wire.EventRequested, "grant/late"))

	e, err := m.notify.build(t.Context(), requestEvent(wire.EventRequested, "grant/both"))
	require.NoError(t, err)
	require.Equal(t, []string{erinMail, carolMail}, e.Mail, "dave's address is a claim: nobody signed the delegation")
	require.Equal(t, daveMail, e.leftOut[0].name)
}

// Delegates of a signed delegation receive e-mail.
func TestNotify_MailsSignedDelegates(t *testing.T) {
	t.Parallel()
	h := newDelegationFixture(t).signed()
	m := newNotifyFixture(t, h.store, h.client.Console())
	m.now = h.now
	require.Empty(t, h.delegateTwice(h.delegateInput(carolMail, daveMail, 0)).Refusal)
	m.asks("grant/1")
	e, err := m.notify.build(t.Context(), requestEvent(wire.EventRequested, "grant/1"))
	require.NoError(t, err)
	require.Equal(t, []string{carolMail, erinMail, daveMail}, e.Mail)
	require.Empty(t, e.leftOut)
}

// The requester receives e-mail if they have signed, if the policy names them, or if their
// address is in a domain of NOTIFY_MAIL_DOMAINS; no address receives one only because
// somebody has typed it.
func TestNotify_MailsRequester(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse("policy", []byte(`
groups: {leads: [lea@example.com]}
rules: [{name: ask, approvals: [{need: 1, from: [leads]}]}]
`))
	require.NoError(t, err)
	for i, c := range []struct {
		requester string
		signed    bool
		mail      bool
		why       string
	}{
		{"mallory@evil.example", false, false, "the address is only a claim"},
		{"mallory@evil.example", true, true, ""},
		{"Lea@example.com", false, true, ""},
		{"sam@corp.example", false, true, ""},
		{"SAM@CORP.EXAMPLE", false, true, ""},
		{"sam@xn--bcher-kva.example", false, true, ""},
		{"sam@DOT.example", false, true, ""},
		{"sam@xn--corp-.example", false, false, "the address is only a claim"},
		{"sam@sub.corp.example", false, false, "the address is only a claim"},
		{"sam@corp.example.evil.example", false, false, "the address is only a claim"},
		{"mallory%evil.example@corp.example", false, false, "not a plain e-mail address"},
		{`"x@evil.example"@corp.example`, false, false, "not a plain e-mail address"},
		{"Lea <mallory@evil.example>", true, false, "not a plain e-mail address"},
		{"mallory@evil.example,sam@corp.example", false, false, "not a plain e-mail address"},
		{"mallory@evil.example\r\nTo: sam@corp.example", false, false, "not a plain e-mail address"},
		{"bob", false, false, ""},
	} {
		m := newGroundFixture(t)
		m.notify.MailTo(p, []string{"corp.example", "Bücher.example", "dot.example."})
		m.asks("grant/1", func(r *ledger.Request) {
			r.Plan.Terms.Requester = c.requester
			if c.signed {
				r.Signature = &access.RequestSignature{Signed: "SHA256:abc"}
			}
		})
		m.closes("grant/1", wire.StateCancelled)
		e, err := m.notify.build(t.Context(), requestEvent(wire.EventDecided, "grant/1"))
		require.NoError(t, err)
		require.Len(t, e.People, 1)
		require.Equal(t, c.mail, len(e.Mail) == 1, "%d: %s", i, c.requester)
		require.Equal(t, c.why != "", len(e.leftOut) == 1, "%d: %s", i, c.requester)
		if c.why != "" {
			require.Contains(t, e.leftOut[0].why, c.why, c.requester)
		}
	}
}

// fakeMail is a sender of e-mail that answers as it is told.
type fakeMail struct {
	always []string
	answer map[string]error // by address
	sent   []string
}

func (*fakeMail) Name() string                 { return notify.Mail }
func (f *fakeMail) To(e notify.Event) []string { return slices.Concat(f.always, e.Mail) }

func (f *fakeMail) Send(_ context.Context, _ notify.Event, to string) error {
	f.sent = append(f.sent, to)
	return f.answer[to]
}

// Each recipient has a delivery and an entry of their own: one who is rejected, who cannot be
// reached or whose address is a claim costs the others nothing, and the ledger says who had
// no message and why.
func TestNotify_OneBadRecipient(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	f := &fakeMail{always: []string{"audit@example.com"}, answer: map[string]error{
		carolMail: fmt.Errorf("e-mail: the mail server rejected the message with 550: %w", notify.ErrDropped),
		erinMail:  errors.New("e-mail: not sent: 451"),
	}}
	m.notify.senders = []notify.Sender{f}
	m.asks("grant/1")
	require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{
		Event: requestEvent(wire.EventRequested, "grant/1"),
	}))
	require.Len(t, m.started, 1)
	attempts := func() {
		for _, in := range m.started {
			require.Len(t, in.Senders, 3)
			for _, s := range in.Senders {
				require.NotContains(t, s, "@", "addresses stay out of names")
				err := m.execute(wire.SendActivity, wire.SendInput{Event: in.Event, Sender: s})
				if s == deliveryName(f, erinMail) {
					require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
					continue
				}
				require.NoError(t, err)
			}
		}
	}
	attempts()
	want := []ledger.Notification{
		{Event: "requested", Sender: "e-mail", To: "audit@example.com", Result: ledger.Delivered},
		{
			Event: "requested", Sender: "e-mail", To: carolMail, Result: ledger.Dropped,
			Error: "e-mail: the mail server rejected the message with 550: dropped",
		},
	}
	require.Equal(t, want, m.outcomes("grant/1"))
	f.answer = nil
	f.sent = nil
	for _, in := range m.started {
		for _, to := range []string{erinMail, "mallory@evil.example"} {
			in := wire.SendInput{Event: in.Event, Sender: deliveryName(f, to)}
			require.NoError(t, m.execute(wire.SendActivity, in))
		}
	}
	require.Equal(t, []string{erinMail}, f.sent, "somebody else can be named by nobody")
	want = append(want,
		ledger.Notification{Event: "requested", Sender: "e-mail", To: erinMail, Result: ledger.Delivered},
		ledger.Notification{
			Event: "requested", Sender: "e-mail", Result: ledger.Dropped,
			Error: "this recipient does not receive the event any more",
		})
	require.Equal(t, want, m.outcomes("grant/1"))

	f.sent = nil // a delivery that version 0.4.0 began is about all recipients
	require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{
		Event: wire.Event{Type: wire.EventRequested, Request: "grant/1", ID: "grant/1#run/1"}, Sender: "e-mail",
	}))
	require.Equal(t, []string{carolMail}, f.sent, "those who have it do not have it again")
}

// A requester who only claims an address is recorded as left out.
func TestNotify_RecordsWhoIsLeftOut(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	f := &fakeMail{always: []string{"audit@example.com"}}
	m.notify.senders = []notify.Sender{f}
	m.asks("grant/1", func(r *ledger.Request) { r.Plan.Terms.Requester = "mallory@evil.example" })
	m.closes("grant/1", wire.StateCancelled)
	for range 2 {
		require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{
			Event: requestEvent(wire.EventDecided, "grant/1"),
		}))
	}
	require.Len(t, m.started, 1)
	for _, in := range m.started {
		require.Equal(t, []string{deliveryName(f, "audit@example.com")}, in.Senders)
	}
	got := m.outcomes("grant/1")
	require.Len(t, got, 1)
	require.Equal(t, "mallory@evil.example", got[0].To)
	require.Equal(t, ledger.Dropped, got[0].Result)
	require.Contains(t, got[0].Error, "NOTIFY_MAIL_DOMAINS")
}
