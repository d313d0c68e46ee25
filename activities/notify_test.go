package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// notifyFixture is the activities that tell people, with a real receiver; what they have
// Temporal start is only noted.
type notifyFixture struct {
	t       *testing.T
	notify  *Notify
	store   *store.Store
	console string

	mu      sync.Mutex
	status  int // that the receiver answers
	got     []notify.Event
	now     time.Time
	started map[string]wire.DeliverInput // by workflow id
}

func newNotifyFixture(t *testing.T, db *store.Store, console string) *notifyFixture {
	t.Helper()
	m := &notifyFixture{
		t: t, store: db, console: console, status: http.StatusNoContent, started: map[string]wire.DeliverInput{},
		now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
	}
	receiver := httptest.NewServer(m)
	t.Cleanup(receiver.Close)
	senders, err := notify.New(notify.Config{
		WebhookURL: receiver.URL, WebhookSecret: "whsec_C2FtcGxlLWtleS1mb3ItdGVzdHMtb25seQ==",
	})
	require.NoError(t, err)
	m.notify = NewNotify(senders, db, console, func(event string) Delivery {
		return Delivery{WorkflowID: "notify/" + event, WorkflowType: "Notify", TaskQueue: "queue"}
	})
	m.notify.start, m.notify.now = m.start, func() time.Time { return m.now }
	return m
}

// ServeHTTP is the receiver.
func (m *notifyFixture) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var e notify.Event
	body, _ := io.ReadAll(r.Body)
	if json.Unmarshal(body, &e) == nil {
		m.got = append(m.got, e)
	}
	w.WriteHeader(m.status)
}

// start stands for Temporal, which starts nothing twice.
func (m *notifyFixture) start(_ context.Context, o client.StartWorkflowOptions, _ string, in wire.DeliverInput) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.started[o.ID]; there {
		return serviceerror.NewWorkflowExecutionAlreadyStarted("it is there", "", "")
	}
	m.started[o.ID] = in
	return nil
}

// stage is where one attempt runs.
func (m *notifyFixture) stage(more ...interceptor.WorkerInterceptor) *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetWorkerOptions(worker.Options{
		Interceptors: append(more, fault.NewInterceptor()),
	})
	m.notify.Register(env)
	return env
}

func (m *notifyFixture) execute(name string, in any) error {
	_, err := m.stage().ExecuteActivity(name, in)
	return err
}

// outcomes are what the ledger has of deliveries about a request.
func (m *notifyFixture) outcomes(request string) []ledger.Notification {
	m.t.Helper()
	entries, err := m.store.LedgerOf(m.t.Context(), m.console, request)
	require.NoError(m.t, err)
	out := []ledger.Notification{}
	for _, e := range entries {
		if e.Kind == ledger.KindNotification {
			d, err := ledger.DecodeAs[ledger.Notification](e)
			require.NoError(m.t, err)
			out = append(out, d)
		}
	}
	return out
}

// onlyDelivery is the one delivery that was started, of a type.
func (m *notifyFixture) onlyDelivery(typ string) wire.Event {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	require.Len(m.t, m.started, 1)
	for id, in := range m.started {
		require.Equal(m.t, typ, in.Event.Type)
		require.Equal(m.t, "notify/"+eventID(m.console, in.Event), id)
		require.Equal(m.t, []string{"webhook"}, in.Senders)
		return in.Event
	}
	return wire.Event{}
}

// append writes entries of a request into the ledger, at the fixture's time.
func (m *notifyFixture) append(request, key string, body ledger.Body) ledger.Entry {
	m.t.Helper()
	e := ledger.NewEntry{Request: request, Key: key, At: m.now, Body: body}
	out, err := m.store.Append(m.t.Context(), m.console, e)
	require.NoError(m.t, err)
	return out[0]
}

// asks records a plan that leads must approve.
func (m *notifyFixture) asks(request string, changes ...func(*ledger.Request)) access.Plan {
	m.t.Helper()
	r := ledger.Request{Plan: access.Plan{
		Op: access.OpAcquire, Console: m.console,
		Principal: access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "2", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"},
		Terms: access.Terms{
			Requester: "bob@example.com", Reason: "INC-42", Duration: access.Duration(8 * time.Hour),
		},
		Approval: access.Approval{
			Required: true, DecideWithin: access.Duration(24 * time.Hour), RemindEvery: access.Duration(4 * time.Hour),
			EscalateAfter: access.Duration(6 * time.Hour), EscalateTo: []string{"dora@example.com"},
			Steps: []access.ApprovalStep{{Need: 1, Groups: []string{"leads"}, People: []string{carolMail, erinMail}}},
		},
	}}
	for _, change := range changes {
		change(&r)
	}
	r.Plan = r.Plan.Seal()
	m.append(request, ledger.Run{Request: request, ID: "run"}.RequestKey(0), r)
	return r.Plan
}

// decides records a decision on a plan.
func (m *notifyFixture) decides(request string, n int, plan access.Plan, by, action, refusal string) ledger.Entry {
	m.t.Helper()
	d := access.Decision{
		At: m.now, By: by, Action: action, Comment: "as agreed", Signed: access.Unsigned, PlanHash: plan.Hash,
	}
	key := ledger.DecisionEntryKey(ledger.Run{Request: request, ID: "run"}.DecisionKey(d, refusal), n)
	return m.append(request, key, ledger.Decision{Decision: d, Refusal: refusal})
}

// proves records the proof of a change of roles.
func (m *notifyFixture) proves(request string, op access.Op, outcome access.Outcome) ledger.Entry {
	m.t.Helper()
	key := access.ChangeKey(request+"#run", op)
	return m.append(request, ledger.ProofKey(key), ledger.Proof{
		Proof: access.Proof{Op: op, Key: key, Outcome: outcome}, Roles: &ledger.RoleProof{},
	})
}

// closes records a receipt.
func (m *notifyFixture) closes(request, state string) ledger.Entry {
	m.t.Helper()
	return m.append(request, ledger.Run{Request: request, ID: "run"}.ReceiptKey(), ledger.Receipt{
		Receipt: access.Receipt{Request: request, Run: "run", State: state}.Seal(),
	})
}

func requestEvent(typ, request string) wire.Event {
	return wire.Event{Type: typ, Request: request, Run: "run"}
}

// A delivery ends as delivered, as dropped where the receiver will never take it, and is
// tried again where it may; each end is in the ledger once, and what was delivered is not
// sent again.
func TestNotify_WhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	m := newNotifyFixture(t, attempttest.Store(t), "acmeco.sentinelone.net")
	for _, c := range []struct {
		status, requests int
		want             []ledger.Notification
		again            bool
	}{
		{http.StatusNoContent, 1, []ledger.Notification{{
			Event: "requested", Sender: "webhook", Result: "delivered",
		}}, false},
		{http.StatusGone, 2, []ledger.Notification{{
			Event: "requested", Sender: "webhook", Result: "dropped",
			Error: "webhook: the receiver answers 410: dropped",
		}}, false},
		{http.StatusServiceUnavailable, 2, []ledger.Notification{}, true},
		{http.StatusTooManyRequests, 2, []ledger.Notification{}, true},
	} {
		m.status, m.got = c.status, nil
		request := "grant/" + http.StatusText(c.status)
		m.asks(request)
		in := wire.SendInput{Sender: "webhook", Event: requestEvent(wire.EventRequested, request)}
		for range 2 {
			err := m.execute(wire.SendActivity, in)
			if c.again {
				require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
			} else {
				require.NoError(t, err)
			}
		}
		require.Equal(t, c.want, m.outcomes(request), c.status)
		require.Len(t, m.got, c.requests, c.status)
	}
	m.asks("grant/2")
	in := wire.SendInput{Sender: "slack", Event: requestEvent(wire.EventRequested, "grant/2")}
	require.NoError(t, m.execute(wire.SendActivity, in), "a sender that is configured no more holds nothing up")
	require.NoError(t, m.execute(wire.GaveUpActivity, wire.SendInput{Sender: "webhook", Event: in.Event}))
	require.Equal(t, []ledger.Notification{
		{Event: "requested", Sender: "slack", Result: "dropped", Error: "this receiver is no longer configured"},
		{Event: "requested", Sender: "webhook", Result: "gaveUp"},
	}, m.outcomes("grant/2"))
	m.status, m.got = http.StatusNoContent, nil
	require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Sender: "webhook", Event: in.Event}))
	require.Len(t, m.got, 1, "that somebody says it was given up does not suppress it")
}

// People are told once of a change that has waited for the console for ten minutes,
// whether it gives or takes away.
func TestNotify_WaitingForSentinelOne(t *testing.T) {
	t.Parallel()
	for op, want := range map[access.Op]string{
		access.OpRelease: "Access that must end is still in force after %d attempts, since 2026-11-02 09:00:00 UTC",
		access.OpGrant:   "A change waits for SentinelOne after %d attempts, since 2026-11-02 09:00:00 UTC",
	} {
		d := newGrantFixture(t, consoletest.Options{})
		m := newNotifyFixture(t, d.store, d.who.Console)
		d.principal.Notifying(m.notify)
		if op == access.OpRelease {
			leasedState(d)
		}
		in := d.change(op, lease("1", d.soc))
		d.addFault(consoletest.ServerError, http.MethodPut, 0)
		attempt := func() {
			env := m.stage(&fakeAttemptInfo{desk: d})
			d.principal.Register(env)
			_, err := env.ExecuteActivity(wire.WriteActivity, in)
			require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
		}
		d.now = d.now.Add(quickFor - time.Second)
		attempt()
		require.Empty(t, m.started, "not yet")
		early := wire.Event{Type: wire.EventWaiting, Request: "grant/1", Run: "run", Step: string(op)}
		require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: early, Sender: "webhook"}))
		require.Empty(t, m.got, "nor if somebody says so")
		for d.attempt = 30; d.attempt < 33; d.attempt++ {
			d.now = d.now.Add(slowPause)
			attempt()
		}
		e := m.onlyDelivery(wire.EventWaiting)
		require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
		require.Len(t, m.got, 1)
		require.True(t,
			strings.HasPrefix(m.got[0].Text, fmt.Sprintf(want, 32)+". bob@example.com (unsigned) requests "),
			m.got[0].Text)
		require.Equal(t, "grant/1", m.got[0].Request)
		require.Contains(t, m.got[0].Wait.Error, "500")

		require.NoError(t, d.store.ClearWait(t.Context(), d.who.Console, "grant/1", string(op)))
		e.Number++
		require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
		require.Len(t, m.got, 1, "it does not wait any more")
	}
}

// A notification about no request is recorded under a name of its own. That the token expires
// is the console's to say, and there is one event for each warning.
func TestNotify_AboutNoRequest(t *testing.T) {
	t.Parallel()
	m := newNotifyFixture(t, attempttest.Store(t), "acmeco.sentinelone.net")
	e := wire.Event{Type: wire.EventTokenExpires}
	require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: e}))
	require.Empty(t, m.started, "the console gives no time")
	ends := m.now.Add(13*24*time.Hour + time.Hour)
	m.notify.tokenEnds = func(context.Context) (*time.Time, error) { return &ends, nil }
	for range 2 {
		require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: e}))
		m.now = m.now.Add(time.Hour)
	}
	e = m.onlyDelivery(wire.EventTokenExpires)
	for range 2 {
		require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
		m.now = m.now.Add(23 * time.Hour)
	}
	require.Len(t, m.got, 1)
	require.Equal(t, []string{"the token expires at 2026-11-15 10:00:00 UTC"}, m.got[0].Details)
	require.Equal(t, wire.Event{Type: e.Type, Number: 14, Entry: ends.Unix()}, e)
	require.Equal(t, []ledger.Notification{
		{
			Event: e.Type, Sender: "announce", Result: ledger.Dropped,
			Error: `tokenAboutToExpire of "" is not sent: no such token expires`,
		},
		{Event: e.Type, Sender: "webhook", Result: ledger.Delivered},
	}, m.outcomes(string(ledger.KindNotification)))
	m.now = ends.Add(-49 * time.Hour)
	require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: wire.Event{Type: e.Type}}))
	require.Len(t, m.started, 2, "each warning has an event of its own")
	m.now = ends.Add(25 * time.Hour)
	last := wire.Event{Type: e.Type, Number: 3, Entry: ends.Unix()}
	require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: last, Sender: "webhook"}))
	require.Len(t, m.got, 1, "it has ended long ago")
}

// A delivery that a version up to 0.7.0 has begun goes on.
func TestNotify_TokenOfThatDay(t *testing.T) {
	t.Parallel()
	m := newNotifyFixture(t, attempttest.Store(t), "acmeco.sentinelone.net")
	ends := m.now.Add(13 * 24 * time.Hour)
	m.notify.tokenEnds = func(context.Context) (*time.Time, error) { return &ends, nil }
	today := m.now.UTC().Truncate(24 * time.Hour)
	for _, day := range []time.Time{today, today.AddDate(0, 0, -7)} {
		e := wire.Event{Type: wire.EventTokenExpires, Number: day.Unix()}
		require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
	}
	require.Len(t, m.got, 1)
	require.Equal(t, today, m.got[0].At)
}

// The token of a service user ends as the latest proven sync says. What nobody can have found there is not told.
func TestNotify_TokenOfAServiceUser(t *testing.T) {
	t.Parallel()
	db := attempttest.Store(t)
	m := newNotifyFixture(t, db, "acmeco.sentinelone.net")
	ends := m.now.Add(3*24*time.Hour - time.Hour)
	require.NoError(t, db.Begin(t.Context(), store.BeginInput{
		Console: m.console, ID: "s1", Collections: []access.Collection{access.ServiceUsers}, StartedAt: m.now,
	}))
	_, err := db.StartDrain(t.Context(), "s1", access.ServiceUsers, 1)
	require.NoError(t, err)
	require.NoError(t, db.SavePage(t.Context(), store.SavePageInput{
		Snapshot: "s1", Collection: access.ServiceUsers, Attempt: 1, Last: true, Entities: []access.Entity{
			access.Principal{Kind: access.ServiceUser, ID: "501", Name: "ci", TokenExpiresAt: &ends},
		},
	}))
	_, err = db.LoadPage(t.Context(), "s1", access.ServiceUsers, 1)
	require.NoError(t, err)
	_, err = db.Promote(t.Context(), "s1", store.PromoteInput{Collections: []access.Collection{access.ServiceUsers}})
	require.NoError(t, err)
	e := wire.Event{Type: wire.EventTokenExpires, Step: "501", Number: 3, Entry: ends.Unix()}
	for _, forged := range []wire.Event{
		{Type: e.Type, Step: "502", Number: 3, Entry: e.Entry},
		{Type: e.Type, Step: "501", Number: 3, Entry: 1},
		{Type: e.Type, Step: "501", Number: 1, Entry: e.Entry},
		{Type: e.Type, Step: "501", Number: 2, Entry: e.Entry},
	} {
		require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: forged}))
		require.Empty(t, m.started)
	}
	require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: e}))
	require.Equal(t, e, m.onlyDelivery(e.Type))
	require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
	require.Len(t, m.got, 1)
	require.Equal(t, "The API token of service user ci expires soon: make a new one with `starter service-user rotate`",
		m.got[0].Text)
	require.Equal(t, "501", m.got[0].Principal.ID)
}

// A sync that is quarantined is told of as the store has it, while it is quarantined.
func TestNotify_QuarantinedSync(t *testing.T) {
	t.Parallel()
	db := attempttest.Store(t)
	m := newNotifyFixture(t, db, "acmeco.sentinelone.net")
	err := db.Begin(t.Context(), store.BeginInput{
		Console: m.console, ID: "s1", StartedAt: m.now, WorkflowID: "sync/acmeco.sentinelone.net",
	})
	require.NoError(t, err)
	e := wire.Event{Type: wire.EventQuarantined, Snapshot: "s1"}
	require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: e}))
	require.Empty(t, m.started, "it is not quarantined")
	require.NoError(t, db.Quarantine(t.Context(), "s1", []string{"40 of 60 users are gone"}))
	old := wire.Event{Type: wire.EventQuarantined, ID: "s1/quarantined"} // as version 0.4.0 announced it
	for _, e := range []wire.Event{e, old} {
		require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: e}))
	}
	require.Equal(t, e, m.onlyDelivery(wire.EventQuarantined))
	require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
	require.Len(t, m.got, 1)
	require.Equal(t, "sync/acmeco.sentinelone.net", m.got[0].Request)
	require.Equal(t, "A sync is quarantined until someone confirms or discards it", m.got[0].Text)
	require.Equal(t, []string{"40 of 60 users are gone"}, m.got[0].Details)
}
