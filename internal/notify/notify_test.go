package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/wire"
)

const key = "whsec_C2FtcGxlLWtleS1mb3ItdGVzdHMtb25seQ=="

func event() wire.Event {
	return wire.Event{
		ID: "grant/INC-42#run/requested/0", Type: wire.EventRequested, At: time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC),
		Console: "acmeco.sentinelone.net", Request: "grant/INC-42",
		Text: "bob@example.com requests SOC at Acme / Berlin", People: []string{"carol@example.com"},
	}
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
	require.NoError(t, onlySender(t, notify.Config{WebhookURL: r.URL, WebhookSecret: key}).Send(t.Context(), event()))
	verifier, err := standardwebhooks.NewWebhook(key)
	require.NoError(t, err)
	require.NoError(t, verifier.Verify(r.body, r.header))
	var got wire.Event
	require.NoError(t, json.Unmarshal(r.body, &got))
	require.Equal(t, event(), got)
	require.Error(t, verifier.Verify(append(r.body, ' '), r.header))
}

func TestSlack_Text(t *testing.T) {
	t.Parallel()
	r := newFakeReceiver(t, http.StatusOK)
	require.NoError(t, onlySender(t, notify.Config{SlackURL: r.URL}).Send(t.Context(), event()))
	require.JSONEq(t, `{"text": "*[acmeco.sentinelone.net] grant/INC-42: requested*\n`+
		`bob@example.com requests SOC at Acme / Berlin"}`, string(r.body))
}

// Permanent statuses wrap ErrDropped; temporary ones do not.
func TestSend_PermanentAndTemporaryStatus(t *testing.T) {
	t.Parallel()
	for status, dropped := range map[int]bool{
		410: true, 404: true, 400: true, 302: true, 429: false, 500: false, 503: false,
	} {
		r := newFakeReceiver(t, status)
		err := onlySender(t, notify.Config{SlackURL: r.URL}).Send(t.Context(), event())
		require.Error(t, err)
		require.Equal(t, dropped, errors.Is(err, notify.ErrDropped), "%d: %v", status, err)
	}
}

// The URL of a Slack webhook is a secret.
func TestSend_ErrorsHideAddresses(t *testing.T) {
	t.Parallel()
	r := newFakeReceiver(t, http.StatusOK)
	r.Close()
	err := onlySender(t, notify.Config{SlackURL: r.URL + "/services/SECRET"}).Send(t.Context(), event())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "SECRET")
	require.NotErrorIs(t, err, notify.ErrDropped)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, onlySender(t, notify.Config{SlackURL: r.URL}).Send(stopped, event()), context.Canceled)
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

// A comment or a name from the console can neither mention people, start a link, nor
// steer the terminal that a mail is read on.
func TestSend_TextsOfOthersAreHarmless(t *testing.T) {
	t.Parallel()
	e := event()
	e.Request = "grant/<!channel>"
	e.Text = "bob\x1b[2J requests <https://example.com|SOC> & more\n\u202e" + strings.Repeat("x", 10_000)
	r := newFakeReceiver(t, http.StatusOK)
	require.NoError(t, onlySender(t, notify.Config{SlackURL: r.URL}).Send(t.Context(), e))
	var got struct {
		Text string `json:"text"`
	}
	require.NoError(t, json.Unmarshal(r.body, &got))
	require.Contains(t, got.Text, "grant/&lt;!channel&gt;: requested*\n")
	require.Contains(t, got.Text, `bob\x1b[2J requests &lt;https://example.com|SOC&gt; &amp; more \u202exxx`)
	require.NotContains(t, got.Text, "<")
	require.Less(t, len(got.Text), 5000)

	server := &fakeSMTPServer{}
	e.Request = "grant/INC-42\r\nBcc: dave@example.com"
	require.NoError(t, server.serve(t).Send(t.Context(), e))
	require.NotContains(t, server.text, "\nBcc:")
	require.NotContains(t, server.text, "\x1b")
	require.Less(t, len(server.text), 6000)
}
