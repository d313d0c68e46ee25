package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sentinelone-provisioner/internal/envvar"
	"sentinelone-provisioner/internal/netenv"
)

// webhook posts events as Standard Webhooks defines it: signed over id, time and body.
type webhook struct {
	url    string
	signer *standardwebhooks.Webhook
	http   *http.Client
	now    func() time.Time
}

func newWebhook(address, secret string) (Sender, error) {
	if err := checkURL("NOTIFY_WEBHOOK_URL", address); err != nil {
		return nil, err
	}
	if secret == "" {
		return nil, errors.New("NOTIFY_WEBHOOK_SECRET is not set: " +
			"set it to the key that the receiver verifies events with")
	}
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, errors.New(`NOTIFY_WEBHOOK_SECRET is not a key: write "whsec_" and base64, as in Standard Webhooks`)
	}
	return &webhook{url: address, signer: signer, http: client(), now: time.Now}, nil
}

func checkURL(variable, address string) error {
	if err := envvar.CheckURL(address); err != nil {
		return fmt.Errorf("%s: %w: write https://host/path", variable, err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%s is not a URL: write https://host/path", variable) // the value may be a secret
	}
	return nil
}

// Name implements [Sender].
func (w *webhook) Name() string { return "webhook" }

// To implements [Sender].
func (w *webhook) To(Event) []string { return []string{""} }

// Send implements [Sender].
func (w *webhook) Send(ctx context.Context, e Event, _ string) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("webhook: encode the event: %w", err)
	}
	at := w.now()
	signature, err := w.signer.Sign(e.ID, at, body)
	if err != nil {
		return errors.New("webhook: could not sign the event: check NOTIFY_WEBHOOK_SECRET")
	}
	return post(ctx, w.http, w.Name(), w.url, body, http.Header{
		"Webhook-Id":        {e.ID},
		"Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)},
		"Webhook-Signature": {signature},
	})
}

// post sends JSON. Its errors contain the sender's name, but not the URL.
func post(ctx context.Context, c *http.Client, name, address string, body []byte, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: could not build the HTTP request: check its URL", name) // the cause contains the URL
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	answer, err := c.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		if hint := netenv.ExplainTLS(err, ""); hint != "" {
			return fmt.Errorf("%s: no answer: %w: %s", name, err, hint)
		}
		return fmt.Errorf("%s: no answer: %w", name, err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // lets the client reuse the connection
	return statusError(name, answer.StatusCode)
}
