package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Sender takes events to one place.
type Sender interface {
	// Name says which, without secrets: "webhook", "slack", "e-mail".
	Name() string
	// Send delivers once. An error that wraps [ErrDropped] will stay; others may pass.
	Send(ctx context.Context, e Event) error
}

// ErrDropped says that the receiver will not take the event, now or later.
var ErrDropped = errors.New("dropped")

// Config says where events go. What is empty is not used.
type Config struct {
	WebhookURL    string
	WebhookSecret string // "whsec_" and base64, as Standard Webhooks writes it
	SlackURL      string
	SMTPURL       string   // smtp://user:password@host:587, or smtps://
	From          string   // address of the e-mails
	To            []string // who gets every e-mail
}

// New makes the senders of a configuration; none is a good answer. The error has every
// fault, and no secret.
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
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return out, nil
}

// timeout bounds one delivery.
const timeout = 15 * time.Second

// client follows no redirect: the receiver's address is a secret, or signed for.
func client() *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// verdict is what a status means: 2xx delivered; 408, 425, 429 and 5xx to be tried
// again; anything else is an answer that stays.
func verdict(sender string, status int) error {
	switch {
	case status/100 == http.StatusOK/100:
		return nil
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return fmt.Errorf("%s: the receiver answers %d", sender, status)
	}
	return fmt.Errorf("%s: the receiver answers %d: %w", sender, status, ErrDropped)
}
