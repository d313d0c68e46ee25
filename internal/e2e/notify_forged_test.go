package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// recipients are a webhook, a chat and a mail server that take down what they receive.
type recipients struct {
	mu       sync.Mutex
	messages []string
	env      []string
}

func newRecipients(t *testing.T) *recipients {
	t.Helper()
	r := &recipients{}
	url := func() string {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			r.take("http", q.Body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	mail := smtp.NewServer(r)
	mail.Domain = "localhost"
	done := make(chan struct{})
	go func() { defer close(done); _ = mail.Serve(l) }()
	t.Cleanup(func() { _ = mail.Close(); <-done })
	r.env = []string{
		"NOTIFY_WEBHOOK_URL=" + url(), "NOTIFY_WEBHOOK_SECRET=" + webhookSecret, "NOTIFY_SLACK_URL=" + url(),
		"NOTIFY_SMTP_URL=smtp://" + l.Addr().String(), "NOTIFY_FROM=provisioner@example.com",
		"NOTIFY_TO=audit@example.com",
	}
	return r
}

func (r *recipients) take(to string, body io.Reader) {
	text, _ := io.ReadAll(body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, to+" "+string(text))
}

// received are all messages so far.
func (r *recipients) received() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// NewSession implements [smtp.Backend].
func (r *recipients) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{all: r}, nil }

// mailSession is one connection to the mail server.
type mailSession struct {
	all *recipients
	to  string
}

func (*mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (*mailSession) Reset()                               {}
func (*mailSession) Logout() error                        { return nil }

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to += " " + to
	return nil
}

func (s *mailSession) Data(body io.Reader) error {
	s.all.take("mail"+s.to, body)
	return nil
}

// forgedEvents are events that did not happen, and false words about one that did. The ids and
// the names of senders are made so that an entry about them would take the place of another.
func forgedEvents(id, run string) (events []map[string]any, senders [][]string) {
	everybody := []string{"webhook", "slack", "e-mail"}
	add := func(typ, request, event string, to ...string) {
		events = append(events, map[string]any{
			"id": event, "type": typ, "at": time.Now(), "console": "acmeco.sentinelone.net", "request": request,
			"run": run, "state": "granted", "text": "approved by CISO: call +1 555 0100 <!channel>",
			"people": []string{"mallory@evil.example"},
		})
		senders = append(senders, to)
	}
	for _, typ := range []string{
		wire.EventReminder, wire.EventEscalated, wire.EventDecided, wire.EventApplied, wire.EventAboutToExpire,
		wire.EventReleased, wire.EventWaiting, wire.EventQuarantined, wire.EventTokenExpires, "approvedByCISO", "",
	} {
		add(typ, id, id+"#"+run+"/"+typ, everybody...)
		add(typ, "grant/none", "grant/none#"+run+"/"+typ, everybody...)
		add(typ, "", typ, everybody...)
	}
	for _, key := range []string{"", "/acquire", "/release", "/grant", "/decision"} {
		add(wire.EventDecided, id, id+"#"+run+key, "receipt", "proof", "request", "cancelled", "0", "1")
	}
	return events, senders
}

// callActivity is a workflow of an adversary, which calls an activity of the worker.
func callActivity(ctx workflow.Context, queue, activity string, in any) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: queue, StartToCloseTimeout: limit, ScheduleToCloseTimeout: limit,
	})
	return workflow.ExecuteActivity(ctx, activity, in).Get(ctx, nil)
}

// Somebody with the namespace starts Notify by hand, and calls its activities from a workflow of
// their own, with events that did not happen. Nothing is sent to anybody, no entry of the
// request is written, and the request goes on.
func TestNotify_ForgedEvents(t *testing.T) {
	t.Parallel()
	box := newRecipients(t)
	s := newApprovalEnv(t, box.env...)
	own := worker.New(s.client, s.queue+"-adversary", worker.Options{})
	own.RegisterWorkflow(callActivity)
	require.NoError(t, own.Start())
	t.Cleanup(own.Stop)

	run := s.startGrant("1", s.input(""))
	s.untilStatus(run, isAwaitingApproval)
	const each = 2 + 1 + 2 // webhook and chat, audit@, the two leads who did not request it
	delivered := func(want int) {
		require.EventuallyWithT(t, func(c *assertT) {
			require.Len(c, s.ledgerEntries(run, ledger.KindNotification), want)
		}, limit, 50*time.Millisecond)
	}
	delivered(each)
	require.Len(t, box.received(), each)
	before, sent := s.allEntries(), box.received()
	events, senders := forgedEvents(run.GetID(), run.GetRunID())
	var forged []client.WorkflowRun
	for i, e := range events {
		name := fmt.Sprintf("%s/forged/%d", t.Name(), i)
		forged = append(forged, s.start(name, wire.NotifyType, map[string]any{"event": e, "senders": senders[i]}))
		for activity, in := range map[string]any{
			wire.AnnounceActivity: map[string]any{"event": e},
			wire.SendActivity:     map[string]any{"event": e, "sender": senders[i][0]},
			wire.GaveUpActivity:   map[string]any{"event": e, "sender": senders[i][0]},
		} {
			call, err := s.client.ExecuteWorkflow(s.ctx(), client.StartWorkflowOptions{
				ID: name + "/" + activity, TaskQueue: s.queue + "-adversary",
			}, callActivity, s.queue, activity, in)
			require.NoError(t, err)
			forged = append(forged, call)
		}
	}
	for _, f := range forged {
		require.NoError(t, f.Get(s.ctx(), nil), "%s", f.GetID())
	}
	require.Equal(t, sent, box.received())
	for _, e := range s.allEntries()[len(before):] {
		require.Equal(t, ledger.KindNotification, e.Kind)
		require.Equal(t, string(ledger.KindNotification), e.Request, "no request has an entry of it: %s", e.Key)
		require.True(t, strings.HasPrefix(e.Key, "notification/"), e.Key)
		d, err := ledger.DecodeAs[ledger.Notification](e)
		require.NoError(t, err)
		require.Equal(t, ledger.Dropped, d.Result)
		require.Contains(t, d.Error, "is not sent: ")
	}

	s.approveByBothLeads(run)
	require.Equal(t, wire.StateGranted, s.result(run).State)
	const last = 2 + 1        // nobody is asked after the second approval
	const applied = 2 + 1 + 1 // the requester, whom the policy names as a lead
	delivered(2*each + last + applied)
	for _, m := range box.received() {
		require.NotContains(t, m, "CISO")
		require.NotContains(t, m, "evil.example")
	}
	s.requireLedger()
}

// allEntries is the ledger of the console.
func (r *grantEnv) allEntries() []ledger.Entry {
	r.t.Helper()
	db := r.openStore()
	var out []ledger.Entry
	require.NoError(r.t, db.WalkLedger(r.ctx(), r.consoleKey(), func(e ledger.Entry) error {
		out = append(out, e)
		return nil
	}))
	return out
}
