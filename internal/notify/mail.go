package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// mailSender sends e-mail over SMTP.
type mailSender struct {
	client *mail.Client
	from   string
	to     []string
}

func newMail(cfg Config) (Sender, error) {
	u, err := url.Parse(cfg.SMTPURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("NOTIFY_SMTP_URL is not an SMTP URL: write smtp://user:password@host:587")
	}
	if cfg.From == "" {
		return nil, errors.New("NOTIFY_FROM is not set: set it to the sender address of e-mails")
	}
	options := []mail.Option{mail.WithTimeout(timeout), mail.WithTLSPolicy(mail.TLSOpportunistic)}
	if u.Scheme == "smtps" {
		options = append(options, mail.WithSSL())
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, errors.New("NOTIFY_SMTP_URL has an invalid port: write a number, such as 587")
		}
		options = append(options, mail.WithPort(port))
	}
	if password, ok := u.User.Password(); ok {
		// Never send a password over an unencrypted connection.
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()),
			mail.WithPassword(password), mail.WithTLSPolicy(mail.TLSMandatory))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, errors.New("NOTIFY_SMTP_URL is invalid: write smtp://user:password@host:587")
	}
	return &mailSender{client: client, from: cfg.From, to: cfg.To}, nil
}

// Name implements [Sender].
func (m *mailSender) Name() string { return "e-mail" }

// Send implements [Sender].
func (m *mailSender) Send(ctx context.Context, e wire.Event) error {
	to := m.recipients(e)
	if len(to) == 0 {
		return nil
	}
	msg := mail.NewMsg()
	msg.SetMessageIDWithValue(e.ID + "@sentinelone-provisioner")
	msg.Subject(describe.Text(subject(e)))
	msg.SetDateWithValue(e.At)
	msg.SetBodyString(mail.TypeTextPlain, describe.Text(describe.Shorten(e.Text, maxText))+"\n")
	if err := errors.Join(msg.From(m.from), msg.To(to...)); err != nil {
		return fmt.Errorf("e-mail: an address is invalid, check NOTIFY_FROM and NOTIFY_TO: %w", ErrDropped)
	}
	err := m.client.DialAndSendWithContext(ctx, msg)
	var refused *mail.SendError
	if errors.As(err, &refused) && !refused.IsTemp() {
		return fmt.Errorf("e-mail: the server rejected the message: %w", ErrDropped)
	}
	if err != nil {
		return fmt.Errorf("e-mail: not sent: %w", err)
	}
	return nil
}

// recipients returns NOTIFY_TO and those people of the event whose name is an e-mail
// address, without duplicates.
func (m *mailSender) recipients(e wire.Event) []string {
	out := slices.Clone(m.to)
	for _, p := range e.People {
		if strings.Contains(p, "@") && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
