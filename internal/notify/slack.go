package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"sentinelone-provisioner/internal/describe"
)

// slack posts a message to an incoming webhook of Slack or of a compatible service. The
// URL is a secret.
type slack struct {
	url  string
	http *http.Client
}

func newSlack(address string) (Sender, error) {
	if err := checkURL("NOTIFY_SLACK_URL", address); err != nil {
		return nil, err
	}
	return &slack{url: address, http: client()}, nil
}

// Name implements [Sender].
func (s *slack) Name() string { return "slack" }

// To implements [Sender].
func (s *slack) To(Event) []string { return []string{""} }

// chat writes words from outside as code, in which chats neither link nor format nor notify.
var chat = medium{
	ours: describe.Chat,
	name: func(s string) string { return chatCode(describe.Shorten(s, describe.MaxName)) },
	text: func(s string) string { return chatCode(describe.Shorten(s, describe.MaxReason)) },
}

// chatCode is a text in one line between backquotes that it cannot close. What would format
// it elsewhere is replaced by characters that look alike, so that it formats nothing in a
// service that does not know code either.
func chatCode(s string) string {
	s = strings.TrimSpace(describe.Text(s))
	if s == "" {
		s = "-"
	}
	return "`" + describe.Chat(unformatted(s)) + "`"
}

// unformatted replaces the characters with which chats format text. An underscore within a
// word formats nothing, and people copy ids with it: it stays.
func unformatted(s string) string {
	runes := []rune(s)
	for i, r := range runes {
		switch r {
		case '*':
			runes[i] = '∗'
		case '`':
			runes[i] = 'ˋ'
		case '~':
			runes[i] = '∼'
		case '_':
			if i == 0 || i == len(runes)-1 || !isWord(runes[i-1]) || !isWord(runes[i+1]) {
				runes[i] = '＿'
			}
		}
	}
	return string(runes)
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// slackText is the event as Slack marks text up.
func slackText(e Event) string {
	lines := append([]string{subject(e, chat)}, sentences(e, chat)...)
	return strings.Join(append(lines, facts(e, chat)...), "\n")
}

// Send implements [Sender].
func (s *slack) Send(ctx context.Context, e Event, _ string) error {
	body, err := json.Marshal(map[string]any{
		"text": slackText(e), "unfurl_links": false, "unfurl_media": false, "link_names": false,
	})
	if err != nil {
		return fmt.Errorf("slack: encode the event: %w", err)
	}
	return post(ctx, s.http, s.Name(), s.url, body, http.Header{})
}
