package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
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

// slackText is the event as Slack marks text up.
func slackText(e wire.Event) string {
	return fmt.Sprintf("*%s*\n%s", describe.Chat(subject(e)), describe.Chat(describe.Shorten(e.Text, maxText)))
}

// Send implements [Sender].
func (s *slack) Send(ctx context.Context, e wire.Event) error {
	body, err := json.Marshal(map[string]string{"text": slackText(e)})
	if err != nil {
		return fmt.Errorf("slack: encode the event: %w", err)
	}
	return post(ctx, s.http, s.Name(), s.url, body, http.Header{})
}
