package notify_test

import (
	"io"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/notify"
)

// receivedMail is a message that the fake server has taken.
type receivedMail struct {
	to     []string
	raw    string
	header mail.Header
	body   string
}

// fakeSMTPServer keeps the messages it takes. reject says what it answers to a recipient,
// rejectFrom to MAIL FROM; dropData breaks the connection within the message to a recipient.
type fakeSMTPServer struct {
	reject     map[string]*smtp.SMTPError
	rejectFrom *smtp.SMTPError
	dropData   map[string]bool

	mu    sync.Mutex
	mails []receivedMail
}

// fakeSMTPSession is one connection.
type fakeSMTPSession struct {
	server *fakeSMTPServer
	conn   *smtp.Conn
	to     []string
}

func (m *fakeSMTPServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &fakeSMTPSession{server: m, conn: c}, nil
}

func (s *fakeSMTPSession) Mail(string, *smtp.MailOptions) error {
	if s.server.rejectFrom != nil {
		return s.server.rejectFrom
	}
	return nil
}
func (s *fakeSMTPSession) Reset()      { s.to = nil }
func (*fakeSMTPSession) Logout() error { return nil }

func (s *fakeSMTPSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if e := s.server.reject[to]; e != nil {
		return e
	}
	s.to = append(s.to, to)
	return nil
}

func (s *fakeSMTPSession) Data(r io.Reader) error {
	for _, to := range s.to {
		if s.server.dropData[to] {
			return s.conn.Close()
		}
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	parsed, err := mail.ReadMessage(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, receivedMail{
		to: s.to, raw: string(text), header: parsed.Header, body: strings.ReplaceAll(string(body), "\r\n", "\n"),
	})
	return err
}

// recipients are those who have a message, each as often as they have one.
func (m *fakeSMTPServer) recipients() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []string{}
	for _, mail := range m.mails {
		out = append(out, strings.Join(mail.to, ","))
	}
	return out
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

// Each recipient has a message of their own, and sees no other recipient.
func TestMail_SendsToPeopleOfEvent(t *testing.T) {
	t.Parallel()
	server := &fakeSMTPServer{}
	e := event()
	e.Mail = append(e.Mail, "Ana@example.com") // NOTIFY_TO has her already
	for to, err := range sendAll(t, server.serve(t), e) {
		require.NoError(t, err, to)
	}
	require.ElementsMatch(t, []string{"ana@example.com", "carol@example.com"}, server.recipients())
	for _, m := range server.mails {
		require.Equal(t, "<"+m.to[0]+">", m.header.Get("To"))
		require.Contains(t, m.raw, "Subject: [acmeco.sentinelone.net] grant/INC-42: requested\r\n")
		require.Equal(t, `bob@example.com (unsigned) requests SOC for ana@example.com at site "Acme / Berlin" for 4h. `+
			"Pending for 1 of 1 from leads until 2026-03-03 13:00:00 UTC.\n\n"+
			`Reason given by bob@example.com (unsigned): "INC-42, see the ticket"`+"\n"+
			"Ledger head: entry 12, 0a1b\n", m.body)
		require.Contains(t, m.raw, "From: <provisioner@example.com>")
	}
}

// What a server says against one recipient costs the others nothing. 5xx is final; 4xx and a
// connection that breaks are not.
func TestMail_OneBadRecipient(t *testing.T) {
	t.Parallel()
	const bad, good = "ana@example.com", "carol@example.com"
	for name, c := range map[string]struct {
		server  *fakeSMTPServer
		dropped bool
	}{
		"RCPT 550": {&fakeSMTPServer{reject: rejecting(bad, 550)}, true},
		"RCPT 451": {&fakeSMTPServer{reject: rejecting(bad, 451)}, false},
		"DATA":     {&fakeSMTPServer{dropData: map[string]bool{bad: true}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := sendAll(t, c.server.serve(t), event())
			require.NoError(t, got[good])
			require.Equal(t, []string{good}, c.server.recipients())
			requireRejected(t, got[bad], c.dropped)
		})
	}
}

// An answer to the sender's address concerns every recipient.
func TestMail_SenderRejected(t *testing.T) {
	t.Parallel()
	for code, dropped := range map[int]bool{550: true, 451: false} {
		server := &fakeSMTPServer{rejectFrom: &smtp.SMTPError{Code: code, Message: "no"}}
		for _, err := range sendAll(t, server.serve(t), event()) {
			requireRejected(t, err, dropped)
		}
		require.Empty(t, server.recipients())
	}
}

// An address that is none costs its own message alone.
func TestMail_InvalidAddress(t *testing.T) {
	t.Parallel()
	server := &fakeSMTPServer{}
	e := event()
	e.Mail = []string{"not an address\r\nRCPT TO:<mallory@evil.example>", "carol@example.com"}
	got := sendAll(t, server.serve(t), e)
	require.ErrorIs(t, got[e.Mail[0]], notify.ErrDropped)
	require.ElementsMatch(t, []string{"ana@example.com", "carol@example.com"}, server.recipients())
}

func rejecting(to string, code int) map[string]*smtp.SMTPError {
	return map[string]*smtp.SMTPError{to: {Code: code, Message: "no such mailbox"}}
}

func requireRejected(t *testing.T, err error, dropped bool) {
	t.Helper()
	require.Error(t, err)
	if dropped {
		require.ErrorIs(t, err, notify.ErrDropped)
	} else {
		require.NotErrorIs(t, err, notify.ErrDropped)
	}
}
