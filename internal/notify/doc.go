// Package notify sends notifications about requests to people and programs: by a
// signed webhook (Standard Webhooks), a Slack-compatible webhook, or e-mail.
//
// A [Sender] makes one attempt and returns its error; Temporal retries. An error that
// wraps [ErrDropped] is final: the receiver will not accept the event later either
// (404, 410, a rejected recipient). No error contains a secret: signing keys, Slack's
// URL, SMTP passwords.
package notify
