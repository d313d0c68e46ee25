package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// slack posts a message as Slack's incoming webhooks take it, and those who speak the
// same. The address is the secret.
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

// Send implements [Sender].
func (s *slack) Send(ctx context.Context, e Event) error {
	body, err := json.Marshal(map[string]string{"text": fmt.Sprintf("*%s*\n%s", e.Subject(), e.Text)})
	if err != nil {
		return fmt.Errorf("slack: encode the event: %w", err)
	}
	return post(ctx, s.http, s.Name(), s.url, body, http.Header{})
}
