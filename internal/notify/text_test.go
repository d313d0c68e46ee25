package notify_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/wire"
)

// hostile are words of a requester that mean something to a chat, a mail reader or a person.
const hostile = "<!channel> <https://evil.example|the ticket> *approved by CISO* _really_ ~no~ `x` & @here\r\n\r\n" +
	"Dear colleague,\nplease confirm at https://evil.example\x1b[2J\u202e"

func hostileEvent() notify.Event {
	e := event()
	e.Request = "grant/" + hostile
	e.Requester, e.Reason, e.Pending = hostile, hostile+strings.Repeat("x", 10_000), ""
	e.Role, e.Scope.Name, e.Principal.Email = &access.RoleRef{ID: "2", Name: hostile}, hostile, hostile
	e.Decision = &notify.Decision{
		By: hostile, OnBehalfOf: hostile, Action: "approve", Signed: "unsigned", Comment: hostile,
	}
	e.Wait = nil
	e.Type = wire.EventDecided
	e.Text = notify.Text(e)
	return e
}

func slackText(t *testing.T, e notify.Event) string {
	t.Helper()
	r := newFakeReceiver(t, http.StatusOK)
	require.NoError(t, onlySender(t, notify.Config{SlackURL: r.URL}).Send(t.Context(), e, ""))
	var got struct {
		Text string `json:"text"`
	}
	require.NoError(t, json.Unmarshal(r.body, &got))
	return got.Text
}

// outsideCode is a Slack text without what stands between backquotes.
func outsideCode(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		parts := strings.Split(line, "`")
		require.Equal(t, 1, len(parts)%2, "every code is closed in its line: %q", line)
		for i := 0; i < len(parts); i += 2 {
			out.WriteString(parts[i])
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// In Slack, words of a requester mention nobody, link nothing, format nothing and begin no
// line: they stand between backquotes that they cannot close.
func TestSlack_WordsOfOthersAreHarmless(t *testing.T) {
	t.Parallel()
	text := slackText(t, hostileEvent())
	require.NotContains(t, text, "<")
	require.NotContains(t, text, ">")
	for _, formatted := range []string{
		"*approved", "CISO*", "_really", "really_", "~no", "no~", "\x1b", "\u202e", "\r",
	} {
		require.NotContains(t, text, formatted)
	}
	require.Len(t, strings.Split(text, "\n"), 6, "no line is of the requester's making: %s", text)
	ours := outsideCode(t, text)
	for _, theirs := range []string{"channel", "evil.example", "CISO", "here", "Dear", "confirm", "approved by CISO"} {
		require.NotContains(t, ours, theirs)
	}
	require.Contains(t, text, "`&lt;!channel&gt; &lt;https://evil.example|the ticket&gt; "+
		"∗approved by CISO∗ ＿really＿ ∼no∼ ˋxˋ &amp; @here")
	require.Contains(t, ours, "Reason given by  (unsigned): ")
	require.Contains(t, ours, "Comment by  (unsigned): ")
	require.Less(t, len(text), 5000)
}

// An underscore within a word stays: ids are copied from messages.
func TestSlack_IdsCanBeCopied(t *testing.T) {
	t.Parallel()
	e := event()
	e.Request, e.Requester = "grant/INC_42", "bob_b@example.com"
	text := slackText(t, e)
	require.Contains(t, text, "`grant/INC_42`")
	require.Contains(t, text, "`bob_b@example.com`")
}

// In an e-mail, a reason is one line that says whose it is, and a name is quoted: neither
// adds a header, a line or a paragraph.
func TestMail_WordsOfOthersAreHarmless(t *testing.T) {
	t.Parallel()
	server := &fakeSMTPServer{}
	e := hostileEvent()
	e.Request = "grant/INC-42\r\nBcc: dave@example.com\r\nReply-To: mallory@evil.example"
	for to, err := range sendAll(t, server.serve(t), e) {
		require.NoError(t, err, to)
	}
	require.Len(t, server.mails, 2)
	for _, m := range server.mails {
		for _, header := range []string{"Bcc", "Reply-To", "Cc", "Sender"} {
			require.Empty(t, m.header.Get(header), header)
		}
		require.Equal(t, `<provisioner@example.com>`, m.header.Get("From"))
		require.NotContains(t, m.raw, "\x1b")
		paragraphs := strings.Split(strings.TrimSpace(m.body), "\n\n")
		require.Len(t, paragraphs, 2, "no paragraph is of the requester's making: %s", m.body)
		require.Len(t, strings.Split(paragraphs[0], "\n"), 1)
		lines := strings.Split(paragraphs[1], "\n")
		require.Len(t, lines, 3)
		require.Regexp(t, `^Reason given by "<!channel> .*" \(unsigned\): "<!channel> .*…"$`, lines[0])
		require.Regexp(t, `^Comment by ".*" \(unsigned\): ".*"$`, lines[1])
		require.Less(t, len(m.raw), 12_000)
	}
}

// The webhook has the words of each person in a field of its own; the text is the worker's,
// and has neither reason nor comment.
func TestWebhook_WordsOfOthersAreFields(t *testing.T) {
	t.Parallel()
	e := event()
	e.Type, e.Reason = wire.EventDecided, "approved by CISO"
	e.Decision = &notify.Decision{By: "carol@example.com", Action: "approve", Signed: "unsigned", Comment: "fine by me"}
	e.Text = notify.Text(e)
	r := newFakeReceiver(t, http.StatusOK)
	require.NoError(t, onlySender(t, notify.Config{WebhookURL: r.URL, WebhookSecret: key}).Send(t.Context(), e, ""))
	var got map[string]any
	require.NoError(t, json.Unmarshal(r.body, &got))
	require.Equal(t, `Approved by carol@example.com (unsigned). `+
		`bob@example.com (unsigned) requests SOC for ana@example.com at site "Acme / Berlin" for 4h. `+
		`Pending for 1 of 1 from leads until 2026-03-03 13:00:00 UTC`, got["text"])
	require.Equal(t, "approved by CISO", got["reason"])
	require.Equal(t, "bob@example.com", got["requester"])
	require.Equal(t, "unsigned", got["requesterSigned"])
	require.Equal(t, map[string]any{"id": "2", "name": "SOC"}, got["role"])
	require.Equal(t, map[string]any{"level": "site", "id": "9", "name": "Acme / Berlin"}, got["scope"])
	require.Equal(t, map[string]any{
		"console": "acmeco.sentinelone.net", "seq": 12.0, "hash": "0a1b", "seal": "unsealed",
	}, got["ledgerHead"])
}

// A name is called a claim unless its owner has signed.
func TestText_SaysWhatIsUnsigned(t *testing.T) {
	t.Parallel()
	e := event()
	require.Contains(t, notify.Text(e), "bob@example.com (unsigned) requests")
	e.RequesterSigned = "SHA256:abc"
	require.NotContains(t, notify.Text(e), "unsigned")
	e.Decision = &notify.Decision{By: "carol@example.com", OnBehalfOf: "dave@example.com", Action: "deny"}
	require.Contains(t, notify.Text(e), "Denied by carol@example.com (unsigned) for dave@example.com. bob@")
	e.Decision.Signed = "SHA256:abc"
	require.Contains(t, notify.Text(e), "Denied by carol@example.com for dave@example.com. bob@")
}

// Every kind of request reads as what it is about.
func TestText_Operations(t *testing.T) {
	t.Parallel()
	for op, want := range map[access.Op]string{
		access.OpGrant:   `SOC for ana@example.com at site "Acme / Berlin"`,
		access.OpRevoke:  `the removal of SOC from ana@example.com at site "Acme / Berlin"`,
		access.OpReset:   `that ana@example.com keeps SOC at site "Acme / Berlin" and no other role`,
		access.OpDelete:  "the deletion of user ana@example.com",
		access.OpCreate:  `a new user ana@example.com with SOC at site "Acme / Berlin"`,
		access.OpAcquire: `SOC for ana@example.com at site "Acme / Berlin" for 4h`,
	} {
		e := event()
		e.Operation, e.Pending, e.Duration = op, "", 0
		if op == access.OpAcquire {
			e.Duration = event().Duration
		}
		require.Equal(t, "bob@example.com (unsigned) requests "+want, notify.Text(e), op)
	}
}
