package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

const webhookSecret = "whsec_C2FtcGxlLWtleS1mb3ItdGVzdHMtb25seQ=="

// webhookReceiver is an HTTP server that verifies the signatures of webhooks and keeps each
// event once, as receivers should.
type webhookReceiver struct {
	t      *testing.T
	server *httptest.Server
	verify *standardwebhooks.Webhook
	// Nothing listens at the address before open.
	address, url string

	mu           sync.Mutex
	unblock      chan struct{} // nil, or closed: requests are answered
	requestCount int           // answered or not
	events       map[string]notify.Event
	forged       int
}

func newWebhookReceiver(t *testing.T) *webhookReceiver {
	t.Helper()
	verify, err := standardwebhooks.NewWebhook(webhookSecret)
	require.NoError(t, err)
	p := &webhookReceiver{t: t, verify: verify, events: map[string]notify.Event{}}
	p.server = httptest.NewUnstartedServer(p)
	require.NoError(t, p.server.Listener.Close())
	p.address, err = testbed.FreeAddress()
	require.NoError(t, err)
	p.url = "http://" + p.address
	return p
}

// open listens. Before, connections are refused.
func (p *webhookReceiver) open() {
	p.t.Helper()
	l, err := net.Listen("tcp", p.address)
	require.NoError(p.t, err)
	p.server.Listener = l
	p.server.Start()
	p.t.Cleanup(p.server.Close)
}

// ServeHTTP implements [http.Handler].
func (p *webhookReceiver) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.requestCount++
	hold := p.unblock
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var e notify.Event
	if p.verify.Verify(body, r.Header) != nil || json.Unmarshal(body, &e) != nil {
		p.forged++
		return
	}
	p.events[e.ID] = e
}

// requests counts the requests received, answered or not.
func (p *webhookReceiver) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requestCount
}

// eventTypes are the types of the events received, sorted; each event counts once.
func (p *webhookReceiver) eventTypes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Zero(p.t, p.forged, "every message is signed")
	out := []string{}
	for _, e := range p.events {
		out = append(out, e.Type)
	}
	slices.Sort(out)
	return out
}

func (p *webhookReceiver) settings() []string {
	return []string{"NOTIFY_WEBHOOK_URL=" + p.url, "NOTIFY_WEBHOOK_SECRET=" + webhookSecret}
}

// deliveryOutcomes are the ledger's entries about the deliveries of a request, such as
// "slack dropped decided", sorted.
func (r *grantEnv) deliveryOutcomes(run client.WorkflowRun) []string {
	out := []string{}
	for _, e := range r.ledgerEntries(run, ledger.KindNotification) {
		d, err := ledger.DecodeAs[ledger.Notification](e)
		require.NoError(r.t, err)
		out = append(out, d.Sender+" "+string(d.Result)+" "+d.Event)
	}
	slices.Sort(out)
	return out
}

// untilDeliveryOutcomes waits until the ledger has exactly these outcomes.
func (r *grantEnv) untilDeliveryOutcomes(run client.WorkflowRun, want ...string) {
	r.t.Helper()
	slices.Sort(want)
	require.EventuallyWithT(r.t, func(c *assertT) {
		require.Equal(c, want, r.deliveryOutcomes(run))
	}, limit, 200*time.Millisecond)
}

// approveByBothLeads sends the approvals of both leads when the request needs them.
func (r *grantEnv) approveByBothLeads(run client.WorkflowRun) {
	r.t.Helper()
	r.untilStatus(run, isAwaitingApproval)
	for _, by := range []string{"carol@example.com", "dave@example.com"} {
		_, err := r.decide(run, "approve", by)
		require.NoError(r.t, err)
	}
}

// grantEvents are the types of the events of a permanent grant that two people approve.
var grantEvents = []string{wire.EventApplied, wire.EventDecided, wire.EventDecided, wire.EventRequested}

// A receiver that refuses connections does not affect decisions and their grant. It
// receives every event once it is back.
func TestNotify_ReceiverRefusesConnections(t *testing.T) {
	t.Parallel()
	box := newWebhookReceiver(t)
	s := newApprovalEnv(t, box.settings()...)
	run := s.startGrant("1", s.input(""))
	s.approveByBothLeads(run)
	got := s.result(run)
	require.Equal(t, wire.StateGranted, got.State, got.Message)
	require.True(t, s.holdings().Holds(s.requested))
	s.requireReceipt(got)
	require.Empty(t, s.deliveryOutcomes(run), "nothing is delivered or dropped")
	require.Eventually(t, func() bool { return s.countDeliveries(enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING) == 4 },
		limit, 100*time.Millisecond, "all deliveries are still retried")

	box.open()
	s.untilDeliveryOutcomes(run, "webhook delivered applied", "webhook delivered decided", "webhook delivered decided",
		"webhook delivered requested")
	require.Equal(t, grantEvents, box.eventTypes())
	require.NotContains(t, s.workerOutput.String(), webhookSecret)
	s.requireLedger()
}

// countDeliveries counts the deliveries of this console that are in a state.
func (r *grantEnv) countDeliveries(status enumspb.WorkflowExecutionStatus) int {
	list, err := r.client.ListWorkflow(r.ctx(), listRequest(`WorkflowType = "Notify" AND TaskQueue = "`+r.queue+`"`))
	require.NoError(r.t, err)
	n := 0
	for _, e := range list.GetExecutions() {
		if e.GetStatus() == status {
			n++
		}
	}
	return n
}

// A receiver that hangs and one that answers 410 do not affect decisions and their grant.
// Events for the one that is gone are dropped, and recorded as dropped. The other one
// receives them once it answers.
func TestNotify_ReceiverHangsAndAnotherIsGone(t *testing.T) {
	t.Parallel()
	slow := newWebhookReceiver(t)
	slow.unblock = make(chan struct{})
	slow.open()
	answer := sync.OnceFunc(func() { close(slow.unblock) })
	t.Cleanup(answer)
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusGone)
	}))
	t.Cleanup(gone.Close)
	s := newApprovalEnv(t, append(slow.settings(), "NOTIFY_SLACK_URL="+gone.URL)...)
	run := s.startGrant("1", s.input(""))
	require.Eventually(t, func() bool { return slow.requests() > 0 }, limit, 20*time.Millisecond)
	s.approveByBothLeads(run)
	got := s.result(run)
	require.Equal(t, wire.StateGranted, got.State, got.Message)
	require.True(t, s.holdings().Holds(s.requested))
	require.Empty(t, slow.eventTypes(), "it has not answered yet")
	dropped := []string{
		"slack dropped applied", "slack dropped decided", "slack dropped decided", "slack dropped requested",
	}
	s.untilDeliveryOutcomes(run, dropped...)

	answer()
	s.untilDeliveryOutcomes(run, append(dropped, "webhook delivered applied", "webhook delivered decided",
		"webhook delivered decided", "webhook delivered requested")...)
	require.Equal(t, grantEvents, slow.eventTypes())
	exported := s.starter("ledger", "export")
	require.Zero(t, exported.code, exported.stderr)
	require.Contains(t, exported.stdout, `the receiver answers 410: dropped`)
	s.requireLedger()
}

// A receiver gets every event of a timed grant, of a quarantined sync, and of a token that
// is about to expire.
func TestNotify_EveryEvent(t *testing.T) {
	t.Parallel()
	box := newWebhookReceiver(t)
	box.open()
	console := grantworld.Options()
	console.TokenExpiresAt = time.Now().Add(100 * time.Hour)
	s := newStack(t, console)
	s.setPolicy(reminderPolicy)
	s.extraEnv = box.settings()
	r := prepareGrantEnv(t, s)
	r.startWorker()
	has := func(want ...string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assertT) {
			require.Subset(c, box.eventTypes(), want)
		}, limit, 100*time.Millisecond)
	}
	run := r.startGrant("1", r.input("4s"))
	has(wire.EventRequested, wire.EventReminder, wire.EventEscalated)
	_, err := r.decide(run, "approve", "carol@example.com")
	require.NoError(t, err)
	require.Equal(t, wire.StateExpired, r.result(run).State)
	has(wire.EventDecided, wire.EventApplied, wire.EventAboutToExpire, wire.EventReleased)

	for i := range 60 {
		r.world.AddUser(fmt.Sprintf("user%d@example.com", i))
	}
	require.Equal(t, wire.StatePromoted, s.runSync("-first").State)
	has(wire.EventTokenExpires)
	require.Len(t, s.console.RemoveUsers(40), 40)
	s.untilSyncState(s.startSync("", wire.SyncInput{}), wire.StateQuarantined)
	has(wire.EventQuarantined)
}
