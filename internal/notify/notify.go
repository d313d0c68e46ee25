package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Sender delivers events to one receiver.
type Sender interface {
	// Name returns "webhook", "slack" or "e-mail"; it contains no secret.
	Name() string
	// To lists the addresses to which the event is sent, each on its own; one "" for a
	// receiver without addresses.
	To(e Event) []string
	// Send makes one attempt of at most 15 seconds, to one of the addresses of To. An error
	// that wraps [ErrDropped] is final; all others may be retried.
	Send(ctx context.Context, e Event, to string) error
}

// ErrDropped means that the receiver rejects the event permanently: do not retry.
var ErrDropped = errors.New("dropped")

// Config says where to send events. A receiver without an address is not used.
type Config struct {
	WebhookURL    string
	WebhookSecret string // "whsec_" and base64, as in Standard Webhooks
	SlackURL      string
	SMTPURL       string   // smtp://user:password@host:587, or smtps://
	From          string   // sender address of e-mails
	To            []string // addresses that receive every e-mail
}

// New makes one sender per receiver of the configuration; none if it is empty. The
// error joins all faults and contains no secret.
func New(cfg Config) ([]Sender, error) {
	var (
		out    []Sender
		faults []error
	)
	if cfg.WebhookURL != "" {
		w, err := newWebhook(cfg.WebhookURL, cfg.WebhookSecret)
		out, faults = append(out, w), append(faults, err)
	}
	if cfg.SlackURL != "" {
		s, err := newSlack(cfg.SlackURL)
		out, faults = append(out, s), append(faults, err)
	}
	if cfg.SMTPURL != "" {
		m, err := newMail(cfg)
		out, faults = append(out, m), append(faults, err)
	}
	faults = append(faults, checkAddresses(cfg))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return out, nil
}

// timeout bounds one attempt.
const timeout = 15 * time.Second

// client follows no redirects: Slack's URL is a secret, and a signed event is for one
// receiver.
func client() *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// statusError returns nil for 2xx, a temporary error for 408, 425, 429 and 5xx, and an
// [ErrDropped] for any other HTTP status.
func statusError(sender string, status int) error {
	switch {
	case status/100 == http.StatusOK/100:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return fmt.Errorf("%s: the receiver answers %d", sender, status)
	}
	return fmt.Errorf("%s: the receiver answers %d: %w", sender, status, ErrDropped)
}
