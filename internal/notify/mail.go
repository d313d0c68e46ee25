package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/describe"

	"github.com/wneessen/go-mail"
)

// sendmail sends e-mail by SMTP.
type sendmail struct {
	client *mail.Client
	from   string
	to     []string
}

func newMail(cfg Config) (Sender, error) {
	u, err := url.Parse(cfg.SMTPURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("NOTIFY_SMTP_URL is no SMTP address: write smtp://user:password@host:587")
	}
	if cfg.From == "" {
		return nil, errors.New("NOTIFY_FROM is not set: give the address that e-mails come from")
	}
	options := []mail.Option{mail.WithTimeout(timeout), mail.WithTLSPolicy(mail.TLSOpportunistic)}
	if u.Scheme == "smtps" {
		options = append(options, mail.WithSSL())
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, errors.New("NOTIFY_SMTP_URL has a port that is no number")
		}
		options = append(options, mail.WithPort(port))
	}
	if password, ok := u.User.Password(); ok {
		// A password goes over an encrypted connection or not at all.
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()),
			mail.WithPassword(password), mail.WithTLSPolicy(mail.TLSMandatory))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, errors.New("NOTIFY_SMTP_URL cannot be used")
	}
	return &sendmail{client: client, from: cfg.From, to: cfg.To}, nil
}

// Name implements [Sender].
func (m *sendmail) Name() string { return "e-mail" }

// Send implements [Sender].
func (m *sendmail) Send(ctx context.Context, e Event) error {
	to := m.recipients(e)
	if len(to) == 0 {
		return nil
	}
	msg := mail.NewMsg()
	msg.SetMessageIDWithValue(e.ID + "@sentinelone-provisioner")
	msg.Subject(describe.Text(e.Subject()))
	msg.SetDateWithValue(e.At)
	msg.SetBodyString(mail.TypeTextPlain, describe.Text(describe.Shorten(e.Text, maxText))+"\n")
	if err := errors.Join(msg.From(m.from), msg.To(to...)); err != nil {
		return fmt.Errorf("e-mail: an address is not one: %w", ErrDropped)
	}
	err := m.client.DialAndSendWithContext(ctx, msg)
	var refused *mail.SendError
	if errors.As(err, &refused) && !refused.IsTemp() {
		return fmt.Errorf("e-mail: the server refuses it for good: %w", ErrDropped)
	}
	if err != nil {
		return fmt.Errorf("e-mail: not sent: %w", err)
	}
	return nil
}

// recipients are those of the configuration and the people of the event that are
// reached by e-mail.
func (m *sendmail) recipients(e Event) []string {
	out := slices.Clone(m.to)
	for _, p := range e.People {
		if strings.Contains(p, "@") && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
