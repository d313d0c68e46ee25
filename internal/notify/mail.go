package notify

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/envvar"
)

// Mail is the name of the sender of e-mail.
const Mail = "e-mail"

// mailSender sends e-mail over SMTP.
type mailSender struct {
	client *mail.Client
	from   string
	to     []string
}

// smtpForm is the form of NOTIFY_SMTP_URL.
const smtpForm = "write smtp://user:password@host:587" //nolint:gosec // no secret

// checkAddresses refuses what no message could be sent from or to.
func checkAddresses(cfg Config) error {
	var faults []error
	if _, err := netmail.ParseAddress(cfg.From); cfg.From != "" && err != nil {
		faults = append(faults, fmt.Errorf("NOTIFY_FROM is %s, which is not an e-mail address: "+
			"write one such as access@example.com", envvar.Shown(cfg.From)))
	}
	for _, to := range cfg.To {
		if _, err := netmail.ParseAddress(to); err != nil {
			faults = append(faults, fmt.Errorf("NOTIFY_TO has %s, which is not an e-mail address: "+
				"write addresses such as ana@example.com, separated by commas", envvar.Shown(to)))
		}
	}
	return errors.Join(faults...)
}

func newMail(cfg Config) (Sender, error) {
	if err := envvar.CheckURL(cfg.SMTPURL); err != nil {
		return nil, fmt.Errorf("NOTIFY_SMTP_URL: %w: %s", err, smtpForm)
	}
	u, err := url.Parse(cfg.SMTPURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("NOTIFY_SMTP_URL is not an SMTP URL: " + smtpForm)
	}
	if strings.ContainsAny(cfg.SMTPURL, "#?") || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("NOTIFY_SMTP_URL has more than a user, a password, a host and a port: " + smtpForm +
			", with # written as %23, ? as %3F and / as %2F in the password")
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
		if err != nil || port < 1 || port > 65535 {
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
		return nil, errors.New("NOTIFY_SMTP_URL is invalid: " + smtpForm)
	}
	return &mailSender{client: client, from: cfg.From, to: cfg.To}, nil
}

// Name implements [Sender].
func (m *mailSender) Name() string { return Mail }

// To implements [Sender]: NOTIFY_TO and the people of the event who may receive e-mail.
func (m *mailSender) To(e Event) []string {
	out := slices.Clone(m.to)
	for _, address := range e.Mail {
		same := func(other string) bool { return access.Fold(other) == access.Fold(address) }
		if !slices.ContainsFunc(out, same) {
			out = append(out, address)
		}
	}
	return out
}

// Send implements [Sender]. Each recipient has an SMTP transaction of their own, so that one
// whom the server rejects costs nobody else the message.
func (m *mailSender) Send(ctx context.Context, e Event, to string) error {
	msg := mail.NewMsg()
	msg.SetMessageIDWithValue(e.ID + "@sentinelone-provisioner")
	msg.Subject(describe.Shorten(subject(e, plain), maxSubject))
	msg.SetDateWithValue(e.At)
	msg.SetBodyString(mail.TypeTextPlain, mailText(e))
	if err := msg.From(m.from); err != nil {
		return fmt.Errorf("e-mail: NOTIFY_FROM is not an e-mail address, correct it: %w", ErrDropped)
	}
	if err := msg.To(to); err != nil {
		return fmt.Errorf("e-mail: the recipient is not an e-mail address: %w", ErrDropped)
	}
	err := m.client.DialAndSendWithContext(ctx, msg)
	if refused, ok := errors.AsType[*mail.SendError](err); ok {
		const permanent = 5 // of an SMTP code, as in 550; without a code, the connection broke
		if code := refused.ErrorCode(); code/100 == permanent {
			return fmt.Errorf("e-mail: the mail server rejected the message with %d: %w", code, ErrDropped)
		}
	}
	if err != nil {
		return fmt.Errorf("e-mail: not sent: %w", err)
	}
	return nil
}

// maxSubject bounds the subject, in characters.
const maxSubject = 250

// mailText has our sentences in the first paragraph, and the words of others below, a line
// each: none of them can begin a paragraph of its own.
func mailText(e Event) string {
	return Text(e) + ".\n\n" + strings.Join(facts(e, plain), "\n") + "\n"
}
