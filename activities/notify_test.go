package activities

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
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
	got     []wire.Event
	started map[string]wire.DeliverInput // by workflow id
}

func newNotifyFixture(t *testing.T, db *store.Store, console string) *notifyFixture {
	t.Helper()
	m := &notifyFixture{
		t: t, store: db, console: console, status: http.StatusNoContent, started: map[string]wire.DeliverInput{},
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
	m.notify.start = m.start
	return m
}

// ServeHTTP is the receiver.
func (m *notifyFixture) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var e wire.Event
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
		require.Equal(m.t, "notify/"+in.Event.ID, id)
		require.Equal(m.t, []string{"webhook"}, in.Senders)
		require.Equal(m.t, m.console, in.Event.Console)
		return in.Event
	}
	return wire.Event{}
}

// A delivery ends as delivered, as dropped where the receiver will never take it, and is
// tried again where it may; each end is in the ledger once.
func TestNotify_WhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	m := newNotifyFixture(t, attempttest.Store(t), "acmeco.sentinelone.net")
	for _, c := range []struct {
		status int
		want   []ledger.Notification
		again  bool
	}{
		{http.StatusNoContent, []ledger.Notification{{
			Event: "requested", Sender: "webhook", Result: "delivered",
		}}, false},
		{http.StatusGone, []ledger.Notification{{
			Event: "requested", Sender: "webhook", Result: "dropped",
			Error: "webhook: the receiver answers 410: dropped",
		}}, false},
		{http.StatusServiceUnavailable, []ledger.Notification{}, true},
		{http.StatusTooManyRequests, []ledger.Notification{}, true},
	} {
		m.status = c.status
		request := "grant/" + http.StatusText(c.status)
		in := wire.SendInput{Sender: "webhook", Event: wire.Event{
			ID: request + "#run/1", Type: wire.EventRequested, Request: request, Text: "bob asks",
		}}
		for range 2 {
			err := m.execute(wire.SendActivity, in)
			if c.again {
				require.False(t, attempttest.ApplicationError(t, err).NonRetryable())
			} else {
				require.NoError(t, err)
			}
		}
		require.Equal(t, c.want, m.outcomes(request), c.status)
	}
	in := wire.SendInput{Sender: "slack", Event: wire.Event{ID: "1", Type: wire.EventDecided, Request: "grant/2"}}
	require.NoError(t, m.execute(wire.SendActivity, in), "a sender that is configured no more holds nothing up")
	require.NoError(t, m.execute(wire.GaveUpActivity, wire.SendInput{Sender: "webhook", Event: in.Event}))
	require.Equal(t, []ledger.Notification{
		{Event: "decided", Sender: "slack", Result: "dropped", Error: "this receiver is no longer configured"},
		{Event: "decided", Sender: "webhook", Result: "gaveUp"},
	}, m.outcomes("grant/2"))
}

// People are told once of a change that has waited for the console for ten minutes,
// whether it gives or takes away.
func TestNotify_WaitingForSentinelOne(t *testing.T) {
	t.Parallel()
	for op, want := range map[access.Op]string{
		access.OpRelease: "Access that must end is still in force after 30 attempts, since 2026-11-02T09:00:00Z: ",
		access.OpGrant:   "A change waits for SentinelOne after 30 attempts, since 2026-11-02T09:00:00Z: ",
	} {
		d := newGrantFixture(t, consoletest.Options{})
		m := newNotifyFixture(t, d.store, d.who.Console)
		d.principal.Notifying(m.notify)
		known := access.OwnershipState{}
		if op == access.OpRelease {
			known = leasedState(d)
		}
		in := d.change(op, lease("1", d.soc), known)
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
		for d.attempt = 30; d.attempt < 33; d.attempt++ {
			d.now = d.now.Add(slowPause)
			attempt()
		}
		e := m.onlyDelivery(wire.EventWaiting)
		require.Contains(t, e.Text, want)
		require.Equal(t, "grant/1", e.Request)
		require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
		require.Equal(t, []wire.Event{e}, m.got)
	}
}

// A notification about no request is recorded under a name of its own.
func TestNotify_AboutNoRequest(t *testing.T) {
	t.Parallel()
	m := newNotifyFixture(t, attempttest.Store(t), "acmeco.sentinelone.net")
	e := wire.Event{ID: "token/acmeco/2036-01-01", Type: wire.EventTokenExpires, Text: "The API token expires"}
	for range 2 {
		require.NoError(t, m.execute(wire.AnnounceActivity, wire.AnnounceInput{Event: e}))
	}
	e.Console = m.console
	require.Equal(t, e, m.onlyDelivery(wire.EventTokenExpires), "one delivery for one event")
	require.NoError(t, m.execute(wire.SendActivity, wire.SendInput{Event: e, Sender: "webhook"}))
	require.Equal(t, []wire.Event{e}, m.got)
	require.Len(t, m.outcomes(string(ledger.KindNotification)), 1)
}
