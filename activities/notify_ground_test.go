package activities

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/wire"
)

func newGroundFixture(t *testing.T) *notifyFixture {
	t.Helper()
	return newNotifyFixture(t, attempttest.Store(t), "acmeco.sentinelone.net")
}

// send is one attempt at the webhook; it returns what arrives, or nil.
func (m *notifyFixture) send(e wire.Event) *notify.Event {
	m.t.Helper()
	m.got = nil
	require.NoError(m.t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
	if len(m.got) == 0 {
		return nil
	}
	return &m.got[0]
}

// requireRefused says that an event is not sent, nor delivered by a workflow, and that the
// ledger says why, outside of every request.
func (m *notifyFixture) requireRefused(e wire.Event, why string) {
	m.t.Helper()
	before := m.refusals()
	about := len(m.entries(e.Request))
	require.Nil(m.t, m.send(e), "%+v", e)
	require.NoError(m.t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: e}))
	require.NoError(m.t, m.execute(wire.GaveUpActivity, wire.SendInput{Event: e, Sender: "webhook"}))
	require.Empty(m.t, m.started)
	require.Len(m.t, m.entries(e.Request), about, "the ledger of the request is as before")
	after := m.refusals()
	require.Len(m.t, after, len(before)+2, "one of the sender, one of the announcement")
	for _, got := range after[len(before):] {
		require.Equal(m.t, ledger.Dropped, got.Result)
		require.Contains(m.t, got.Error, " is not sent: "+why)
	}
}

func (m *notifyFixture) entries(request string) []ledger.Entry {
	m.t.Helper()
	out, err := m.store.LedgerOf(m.t.Context(), m.console, request)
	require.NoError(m.t, err)
	return out
}

func (m *notifyFixture) refusals() []ledger.Notification {
	return m.outcomes(string(ledger.KindNotification))
}

// entryEvent is an event about an entry of the ledger.
func entryEvent(typ string, about ledger.Entry) wire.Event {
	e := requestEvent(typ, about.Request)
	e.Entry = about.Seq
	return e
}

// An event is sent only if the ledger has what it is about.
func TestNotify_NothingWithoutGround(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	for _, typ := range []string{
		wire.EventRequested, wire.EventReminder, wire.EventEscalated, wire.EventDecided, wire.EventApplied,
		wire.EventAboutToExpire, wire.EventReleased, "approvedByCISO",
	} {
		m.requireRefused(requestEvent(typ, "grant/none"), "the ledger has no such request and run")
	}
	plan := m.asks("grant/1")
	other := requestEvent(wire.EventRequested, "grant/1")
	other.Run = "another"
	m.requireRefused(other, "the ledger has no such request and run")
	for typ, why := range map[string]string{
		wire.EventReminder:      "by the plan, it is not due",
		wire.EventEscalated:     "by the plan, it is not due",
		wire.EventDecided:       "the ledger has no such decision that counts, and no receipt",
		wire.EventApplied:       "the ledger has no such proof of access that was given",
		wire.EventAboutToExpire: "the ledger has no such lease with an end",
		wire.EventReleased:      "the ledger has no proof of a change",
		"approvedByCISO":        "events of this type are not known",
		wire.EventWaiting:       "the store has no such step that has waited for 10m0s",
		wire.EventQuarantined:   "the store has no such snapshot that is quarantined",
	} {
		m.requireRefused(requestEvent(typ, "grant/1"), why)
	}
	refused := m.decides("grant/1", 0, plan, "mallory@example.com", "approve", "mallory@example.com is not eligible")
	m.requireRefused(entryEvent(wire.EventDecided, refused), "the ledger has no such decision that counts")
	byHand := m.decides("grant/1", 1, plan, "mallory@example.com", "approve", "") // as a call of Request.Decide can
	m.requireRefused(entryEvent(wire.EventDecided, byHand), "the decision does not count for the plan")
	m.requireRefused(entryEvent(wire.EventRequested, byHand), "the entry is no plan of the request")
	m.asks("grant/auto", func(r *ledger.Request) { r.Plan.Approval = access.Approval{} })
	m.requireRefused(requestEvent(wire.EventRequested, "grant/auto"), "its plan requires no approval")
	m.asks("grant/refused", func(r *ledger.Request) { r.Plan.Refusal = "no" })
	m.requireRefused(requestEvent(wire.EventRequested, "grant/refused"), "its plan is refused")
	m.proves("grant/auto", access.OpAcquire, access.PlanChanged)
	m.requireRefused(requestEvent(wire.EventApplied, "grant/auto"), "the ledger has no such proof")
	m.requireRefused(requestEvent(wire.EventReleased, "grant/auto"), "the ledger has no such receipt")
}

// A request from its plan to its receipt, told from the ledger alone, whatever the input says
// besides.
func TestNotify_BuiltFromTheLedger(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	began, plan := m.now, m.asks("grant/1")
	const asked = `bob@example.com (unsigned) requests SOC for ana@example.com at site "Acme / Berlin" for 8h`
	const pending = "Pending for 1 of 1 from leads until 2026-11-03 09:00:00 UTC"
	forged := json.RawMessage(`{"sender":"webhook","event":{"id":"grant/1#run/receipt","type":"requested",` +
		`"at":"2030-01-01T00:00:00Z","console":"evil","request":"grant/1","state":"granted",` +
		`"text":"approved by CISO","people":["mallory@evil.example"]}}`)
	require.NoError(t, m.execute(wire.SendActivity, forged))
	require.Len(t, m.got, 1)
	got := m.got[0]
	head, err := m.store.LedgerHead(t.Context(), m.console)
	require.NoError(t, err)
	require.Equal(t, int64(1), got.LedgerHead.Seq, "as of when it was built")
	require.Equal(t, int64(2), head.Seq)
	require.Equal(t, m.entries("grant/1")[0].Hash, got.LedgerHead.Hash)
	require.Equal(t, notify.Event{
		ID: got.ID, Type: wire.EventRequested, At: began, Console: m.console, Request: "grant/1", Run: "run",
		State: wire.StateAwaitingApproval, Text: asked + ". " + pending, People: []string{carolMail, erinMail},
		Operation: access.OpAcquire, Requester: "bob@example.com", RequesterSigned: access.Unsigned,
		Principal: &plan.Principal, Role: &plan.Role, Scope: &plan.Scope, Duration: plan.Terms.Duration,
		Reason: "INC-42", Pending: "for 1 of 1 from leads until 2026-11-03 09:00:00 UTC", LedgerHead: got.LedgerHead,
	}, got)
	require.Nil(t, m.send(requestEvent(wire.EventRequested, "grant/1")), "it is delivered already, under any id")

	m.now = began.Add(4*time.Hour + time.Second)
	got = *m.send(requestEvent(wire.EventReminder, "grant/1"))
	require.Equal(t, began.Add(4*time.Hour), got.At)
	require.Equal(t, asked+". "+pending, got.Text)
	m.now = began.Add(6*time.Hour + time.Second)
	got = *m.send(requestEvent(wire.EventEscalated, "grant/1"))
	require.Equal(t, []string{carolMail, erinMail, "dora@example.com"}, got.People)

	m.now = began.Add(7 * time.Hour)
	decision := m.decides("grant/1", 0, plan, carolMail, "approve", "")
	got = *m.send(requestEvent(wire.EventDecided, "grant/1"))
	require.Equal(t, "Approved by carol@example.com (unsigned). "+asked, got.Text)
	require.Equal(t, &notify.Decision{
		By: carolMail, Action: "approve", Signed: access.Unsigned, Comment: "as agreed",
	}, got.Decision)
	require.Equal(t, decision.At, got.At)

	m.proves("grant/1", access.OpAcquire, access.Applied)
	got = *m.send(requestEvent(wire.EventApplied, "grant/1"))
	require.Equal(t, "In force until 2026-11-03 00:00:00 UTC. "+asked, got.Text)
	require.Equal(t, []string{"bob@example.com"}, got.People)
	require.Equal(t, wire.StateActive, got.State)

	m.now = began.Add(13 * time.Hour)
	require.Nil(t, m.send(requestEvent(wire.EventAboutToExpire, "grant/1")), "too early")
	m.now = began.Add(14 * time.Hour)
	got = *m.send(requestEvent(wire.EventAboutToExpire, "grant/1"))
	require.Equal(t, "About to end at 2026-11-03 00:00:00 UTC. "+asked, got.Text)

	m.now = began.Add(15 * time.Hour)
	m.proves("grant/1", access.OpRelease, access.Released)
	m.closes("grant/1", wire.StateExpired)
	got = *m.send(requestEvent(wire.EventReleased, "grant/1"))
	require.Equal(t, "Expired, role removed and verified (2 reads). "+asked, got.Text)
	require.Equal(t, wire.StateExpired, got.State)
}

// An event reads the same, and has the same id, however late it is sent and whatever number
// somebody gives it.
func TestNotify_OneEventHasOneID(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	began, plan := m.now, m.asks("grant/1")
	announce := func(e wire.Event) {
		require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: e}))
	}
	for n := range int64(5) {
		e := requestEvent(wire.EventRequested, "grant/1")
		e.Number, e.ID, e.Step, e.Snapshot = n, "made up", "acquire", "s1"
		announce(e)
	}
	requested := m.onlyDelivery(wire.EventRequested)
	m.now = began.Add(9 * time.Hour)
	for range 3 {
		announce(requestEvent(wire.EventReminder, "grant/1"))
	}
	require.Len(t, m.started, 2)
	m.decides("grant/1", 0, plan, carolMail, "deny", "")
	m.closes("grant/1", wire.StateDenied)
	m.now = began.Add(20 * time.Hour)
	got := m.send(requested)
	require.Equal(t, began, got.At)
	require.Contains(t, got.Text, "Pending for 1 of 1")
	require.Equal(t, wire.StateAwaitingApproval, got.State)
}

// Nobody can have more reminders sent than are due: none after the decision or the end, none
// ahead of time, none between two.
func TestNotify_RemindersThatAreDue(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	began := m.now
	plans := map[string]access.Plan{}
	for _, request := range []string{"grant/open", "grant/decided", "grant/ended"} {
		plans[request] = m.asks(request)
	}
	m.now = began.Add(5 * time.Hour)
	m.decides("grant/decided", 0, plans["grant/decided"], carolMail, "approve", "")
	m.closes("grant/ended", wire.StateCancelled)
	m.now = began.Add(9 * time.Hour)
	for request, why := range map[string]string{
		"grant/decided": "the request was decided before", "grant/ended": "the request has ended before",
	} {
		m.requireRefused(requestEvent(wire.EventReminder, request), why)
	}
	numbered := func(after time.Duration) wire.Event {
		e := requestEvent(wire.EventReminder, "grant/open")
		e.Number = after.Milliseconds()
		return e
	}
	for _, after := range []time.Duration{12 * time.Hour, 5 * time.Hour, -4 * time.Hour, time.Millisecond} {
		m.requireRefused(numbered(after), "by the plan, it is not due")
	}
	require.Equal(t, began.Add(4*time.Hour), m.send(numbered(4*time.Hour)).At)
	require.Equal(t, began.Add(8*time.Hour), m.send(numbered(8*time.Hour)).At)
	m.now = began.Add(40 * time.Hour)
	m.requireRefused(numbered(24*time.Hour), "by the plan, it is not due")
}

// A review asks its reviewers once access is in force, and reminds them once more before its
// deadline.
func TestNotify_Review(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	m.asks("grant/1", func(r *ledger.Request) {
		r.Plan.Terms.BreakGlass = true
		r.Plan.Approval = access.Approval{RemindEvery: access.Duration(3 * time.Hour), Review: &access.Review{
			ApprovalStep: access.ApprovalStep{
				Need: 1, Groups: []string{"owners"}, People: []string{carolMail, daveMail},
			},
			Within: access.Duration(4 * time.Hour),
		}}
	})
	m.requireRefused(requestEvent(wire.EventRequested, "grant/1"), "it is not in force, so nobody reviews it yet")
	m.now = m.now.Add(time.Hour)
	began := m.now
	m.proves("grant/1", access.OpAcquire, access.Applied)
	got := m.send(requestEvent(wire.EventRequested, "grant/1"))
	require.Equal(t, []string{carolMail, daveMail}, got.People)
	require.Contains(t, got.Text, "Pending for review by 1 of 1 from owners until 2026-11-02 14:00:00 UTC")
	m.now = began.Add(3*time.Hour + time.Second)
	require.Equal(t, began.Add(3*time.Hour), m.send(requestEvent(wire.EventReminder, "grant/1")).At)
	m.now = began.Add(3*time.Hour + 30*time.Minute)
	got = m.send(requestEvent(wire.EventReminder, "grant/1"))
	require.Equal(t, m.now, got.At)
	require.Equal(t, []string{carolMail, daveMail}, got.People)
	m.now = began.Add(3*time.Hour + 40*time.Minute)
	m.proves("grant/1", access.OpRelease, access.Released)
	require.Equal(t, wire.StateAwaitingReview, m.send(requestEvent(wire.EventReleased, "grant/1")).State)
}

// A change that was not authorized is told of at the end of its request, with the reason.
func TestNotify_Unauthorized(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	m.asks("grant/1")
	change := access.ChangeKey("grant/1#run", access.OpAcquire)
	m.append("grant/1", ledger.UnauthorizedKey(change, "noApproval"), ledger.Unauthorized{
		Change: change, Op: access.OpAcquire, Reason: "noApproval", Text: "1 of 2 approvals is on record",
	})
	m.requireRefused(requestEvent(wire.EventUnauthorized, "grant/2"), "the ledger has no such change")
	at := m.send(requestEvent(wire.EventUnauthorized, "grant/1"))
	require.Contains(t, at.Text,
		"A change was not written to the console, because it is not authorized. bob@example.com")
	require.Equal(t, []string{"1 of 2 approvals is on record"}, at.Details)
	require.Equal(t, []string{"bob@example.com"}, at.People)

	evil := access.ChangeKey("grant/EVIL#run", access.OpGrant)
	m.append("grant/EVIL", ledger.UnauthorizedKey(evil, "noRequest"), ledger.Unauthorized{
		Change: evil, Op: access.OpGrant, Reason: "noRequest", Text: "the ledger holds no request grant/EVIL",
		Principal: access.PrincipalRef{Kind: access.User, ID: "401"},
	})
	at = m.send(requestEvent(wire.EventUnauthorized, "grant/EVIL"))
	require.Equal(t, "401", at.Principal.ID)
	require.Equal(t, access.OpGrant, at.Operation)
	require.Empty(t, at.People, "nobody is known to have requested it")

	m.closes("grant/1", wire.StateRefused)
	got := m.send(requestEvent(wire.EventReleased, "grant/1"))
	require.NotNil(t, got)
	require.Contains(t, got.Text, "Refused, no change: the ledger does not show the approval that it needs")
	require.Equal(t, []string{"1 of 2 approvals is on record"}, got.Details)
	require.Equal(t, access.Unauthorized, got.Outcome)
	require.Equal(t, []string{"bob@example.com"}, got.People)
}

// An extension is asked for, reminded of and decided on as its entry says. One that is refused
// asks nobody.
func TestNotify_Extension(t *testing.T) {
	t.Parallel()
	m := newGroundFixture(t)
	m.asks("grant/1")
	began := m.now
	ask := func(refusal string, by string) ledger.Entry {
		x := access.ExtensionRequest{
			Request: "grant/1", Run: "run", At: m.now, By: by, Duration: access.Duration(2 * time.Hour),
			EndsAt: began.Add(10 * time.Hour), Comment: "not done yet", Signed: access.Unsigned,
			Approval: access.Approval{
				Required: true, DecideWithin: access.Duration(4 * time.Hour), RemindEvery: access.Duration(time.Hour),
				Steps: []access.ApprovalStep{{Need: 1, Groups: []string{"leads"}, People: []string{carolMail}}},
			},
		}.Seal()
		run := ledger.Run{Request: "grant/1", ID: "run"}
		return m.append("grant/1", run.ExtensionRequestKey(x), ledger.ExtensionRequest{Extension: x, Refusal: refusal})
	}
	m.requireRefused(entryEvent(wire.EventRequested, ask("too long", daveMail)), "the extension needs no approval")
	asked := ask("", "bob@example.com")
	const text = "bob@example.com (unsigned) asks to extend the grant by 2h, until 2026-11-02 19:00:00 UTC. "
	got := m.send(entryEvent(wire.EventRequested, asked))
	require.Contains(t, got.Text, text)
	require.Contains(t, got.Text, "Pending for 1 of 1 from leads until 2026-11-02 13:00:00 UTC")
	require.Equal(t, []string{carolMail}, got.People)
	require.Equal(t, "not done yet", got.Extension.Comment)
	require.Equal(t, wire.StateActive, got.State)
	m.now = began.Add(90 * time.Minute)
	require.Equal(t, began.Add(time.Hour), m.send(entryEvent(wire.EventReminder, asked)).At)
	body, err := ledger.DecodeAs[ledger.ExtensionRequest](asked)
	require.NoError(t, err)
	decision := m.decides("grant/1", 0, access.Plan{Hash: body.Extension.Hash}, carolMail, "deny", "")
	got = m.send(entryEvent(wire.EventDecided, decision))
	require.Contains(t, got.Text, "Denied by carol@example.com (unsigned). "+text)
	m.now = began.Add(3 * time.Hour)
	m.requireRefused(entryEvent(wire.EventReminder, asked), "the request was decided before")
}
