package notify_test

import (
	"io"
	"net"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/notify"
)

// mailbox is an SMTP server that keeps one message, or refuses its recipients.
type mailbox struct {
	refuse *smtp.SMTPError
	to     []string
	text   string
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (*mailbox) Mail(string, *smtp.MailOptions) error          { return nil }
func (*mailbox) Reset()                                        {}
func (*mailbox) Logout() error                                 { return nil }

func (m *mailbox) Rcpt(to string, _ *smtp.RcptOptions) error {
	if m.refuse != nil {
		return m.refuse
	}
	m.to = append(m.to, to)
	return nil
}

func (m *mailbox) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	m.text = string(text)
	return err
}

func (m *mailbox) serve(t *testing.T) notify.Sender {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := smtp.NewServer(m)
	server.Domain = "localhost"
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return only(t, notify.Config{
		SMTPURL: "smtp://" + l.Addr().String(), From: "provisioner@example.com", To: []string{"ana@example.com"},
	})
}

func TestMail_ReachesThoseWhoAreAsked(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	require.NoError(t, box.serve(t).Send(t.Context(), event()))
	require.ElementsMatch(t, []string{"ana@example.com", "carol@example.com"}, box.to)
	require.Contains(t, box.text, "Subject: [acmeco.sentinelone.net] grant/INC-42: requested")
	require.Contains(t, box.text, "bob@example.com requests SOC at Acme / Berlin")
	require.Contains(t, box.text, "From: <provisioner@example.com>")
}

func TestMail_RefusedForGoodOrForNow(t *testing.T) {
	t.Parallel()
	for code, dropped := range map[int]bool{550: true, 451: false} {
		box := &mailbox{refuse: &smtp.SMTPError{Code: code, Message: "no"}}
		err := box.serve(t).Send(t.Context(), event())
		require.Error(t, err)
		if dropped {
			require.ErrorIs(t, err, notify.ErrDropped, code)
		} else {
			require.NotErrorIs(t, err, notify.ErrDropped, code)
		}
	}
}
