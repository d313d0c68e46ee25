package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/wire"
)

const key = "whsec_C2FtcGxlLWtleS1mb3ItdGVzdHMtb25seQ=="

func event() notify.Event {
	e := notify.Event{
		ID: "requested-0123", Type: wire.EventRequested, At: time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC),
		Console: "acmeco.sentinelone.net", Request: "grant/INC-42", State: "awaitingApproval",
		Operation: access.OpAcquire, Requester: "bob@example.com", RequesterSigned: access.Unsigned,
		Principal: &access.PrincipalRef{Kind: access.User, ID: "7", Email: "ana@example.com"},
		Role:      &access.RoleRef{ID: "2", Name: "SOC"},
		Scope:     &access.ScopeRef{Level: access.SiteLevel, ID: "9", Name: "Acme / Berlin"},
		Duration:  access.Duration(4 * time.Hour), Reason: "INC-42, see the ticket",
		Pending: "for 1 of 1 from leads until 2026-03-03 13:00:00 UTC",
		People:  []string{"carol@example.com"}, Mail: []string{"carol@example.com"},
		LedgerHead: &access.LedgerHead{Console: "acmeco.sentinelone.net", Seq: 12, Hash: "0a1b", Seal: access.Unsealed},
	}
	e.Text = notify.Text(e)
	return e
}

// sendAll sends the event to every address of a sender, and returns what became of each.
func sendAll(t *testing.T, s notify.Sender, e notify.Event) map[string]error {
	t.Helper()
	out := map[string]error{}
	for _, to := range s.To(e) {
		out[to] = s.Send(t.Context(), e, to)
	}
	return out
}

// fakeReceiver answers with a status and keeps the last request.
type fakeReceiver struct {
	*httptest.Server

	status int
	header http.Header
	body   []byte
}

func newFakeReceiver(t *testing.T, status int) *fakeReceiver {
	t.Helper()
	r := &fakeReceiver{status: status}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.header = q.Header
		r.body, _ = io.ReadAll(q.Body)
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func onlySender(t *testing.T, cfg notify.Config) notify.Sender {
	t.Helper()
	senders, err := notify.New(cfg)
	require.NoError(t, err)
	require.Len(t, senders, 1)
	return senders[0]
}

// A receiver can verify an event with any Standard Webhooks library.
func TestWebhook_IsSigned(t *testing.T) {
	t.Parallel()
	r := newFakeReceiver(t, http.StatusNoContent)
	s := onlySender(t, notify.Config{WebhookURL: r.URL, WebhookSecret: key})
	require.NoError(t, s.Send(t.Context(), event(), ""))
	verifier, err := standardwebhooks.NewWebhook(key)
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(r.body, r.header))
	var got notify.Event
	require.NoError(t, json.Unmarshal(r.body, &got))
	want := event()
	want.Mail = nil // addresses are for e-mail alone
	require.Equal(t, want, got)
	require.Error(t, verifier.Verify(append(r.body, ' '), r.header))
}

func TestSlack_Text(t *testing.T) {
	t.Parallel()
	r := newFakeReceiver(t, http.StatusOK)
	require.NoError(t, onlySender(t, notify.Config{SlackURL: r.URL}).Send(t.Context(), event(), ""))
	require.JSONEq(t, `{"unfurl_links": false, "unfurl_media": false, "link_names": false, `+
		"\"text\": \"[acmeco.sentinelone.net] `grant/INC-42`: requested\\n"+
		"`bob@example.com` (unsigned) requests `SOC` for `ana@example.com` at site `Acme / Berlin` for 4h\\n"+
		`Pending for 1 of 1 from leads until 2026-03-03 13:00:00 UTC\n`+
		"Reason given by `bob@example.com` (unsigned): `INC-42, see the ticket`\\n"+
		`Ledger head: entry 12, 0a1b"}`, string(r.body))
}

// Permanent statuses wrap ErrDropped; temporary ones do not.
func TestSend_PermanentAndTemporaryStatus(t *testing.T) {
	t.Parallel()
	for status, dropped := range map[int]bool{
		410: true, 404: true, 400: true, 302: true, 429: false, 500: false, 503: false,
	} {
		r := newFakeReceiver(t, status)
		err := onlySender(t, notify.Config{SlackURL: r.URL}).Send(t.Context(), event(), "")
		require.Error(t, err)
		require.Equal(t, dropped, errors.Is(err, notify.ErrDropped), "%d: %v", status, err)
	}
}

// The URL of a Slack webhook is a secret.
func TestSend_ErrorsHideAddresses(t *testing.T) {
	t.Parallel()
	r := newFakeReceiver(t, http.StatusOK)
	r.Close()
	err := onlySender(t, notify.Config{SlackURL: r.URL + "/services/SECRET"}).Send(t.Context(), event(), "")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "SECRET")
	require.NotErrorIs(t, err, notify.ErrDropped)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, onlySender(t, notify.Config{SlackURL: r.URL}).Send(stopped, event(), ""), context.Canceled)
}

func TestNew_ReportsEveryFaultWithoutSecrets(t *testing.T) {
	t.Parallel()
	_, err := notify.New(notify.Config{
		WebhookURL: "ftp://SECRET", SlackURL: "SECRET", SMTPURL: "smtp://user:SECRET@host:587",
	})
	require.ErrorContains(t, err, "NOTIFY_WEBHOOK_URL")
	require.ErrorContains(t, err, "NOTIFY_SLACK_URL")
	require.ErrorContains(t, err, "NOTIFY_FROM")
	require.NotContains(t, err.Error(), "SECRET")
	_, err = notify.New(notify.Config{WebhookURL: "https://example.com", WebhookSecret: "%%"})
	require.ErrorContains(t, err, "NOTIFY_WEBHOOK_SECRET")
	none, err := notify.New(notify.Config{})
	require.NoError(t, err)
	require.Empty(t, none)
}
