package notify_test

import (
	"io"
	"net"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/notify"
)

// fakeSMTPServer keeps one message, or rejects its recipients.
type fakeSMTPServer struct {
	reject *smtp.SMTPError
	to     []string
	text   string
}

func (m *fakeSMTPServer) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (*fakeSMTPServer) Mail(string, *smtp.MailOptions) error          { return nil }
func (*fakeSMTPServer) Reset()                                        {}
func (*fakeSMTPServer) Logout() error                                 { return nil }

func (m *fakeSMTPServer) Rcpt(to string, _ *smtp.RcptOptions) error {
	if m.reject != nil {
		return m.reject
	}
	m.to = append(m.to, to)
	return nil
}

func (m *fakeSMTPServer) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	m.text = string(text)
	return err
}

func (m *fakeSMTPServer) serve(t *testing.T) notify.Sender {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := smtp.NewServer(m)
	server.Domain = "localhost"
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return onlySender(t, notify.Config{
		SMTPURL: "smtp://" + l.Addr().String(), From: "provisioner@example.com", To: []string{"ana@example.com"},
	})
}

func TestMail_SendsToPeopleOfEvent(t *testing.T) {
	t.Parallel()
	server := &fakeSMTPServer{}
	require.NoError(t, server.serve(t).Send(t.Context(), event()))
	require.ElementsMatch(t, []string{"ana@example.com", "carol@example.com"}, server.to)
	require.Contains(t, server.text, "Subject: [acmeco.sentinelone.net] grant/INC-42: requested")
	require.Contains(t, server.text, "bob@example.com requests SOC at Acme / Berlin")
	require.Contains(t, server.text, "From: <provisioner@example.com>")
}

func TestMail_PermanentAndTemporaryRejection(t *testing.T) {
	t.Parallel()
	for code, dropped := range map[int]bool{550: true, 451: false} {
		server := &fakeSMTPServer{reject: &smtp.SMTPError{Code: code, Message: "no"}}
		err := server.serve(t).Send(t.Context(), event())
		require.Error(t, err)
		if dropped {
			require.ErrorIs(t, err, notify.ErrDropped, code)
		} else {
			require.NotErrorIs(t, err, notify.ErrDropped, code)
		}
	}
}
