// Package notify tells people and programs what happened to a request: by a signed
// webhook (Standard Webhooks), a message to a Slack-compatible address, or e-mail.
//
// A sender sends once and says what came of it; repeating is Temporal's business. An
// address that will never take a message (410, 404, a refused recipient) is told from
// one that may take it later. Secrets (signing keys, Slack's address, SMTP passwords)
// are in no error.
package notify
