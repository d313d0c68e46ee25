// Package console is the client of one SentinelOne management console. Over the console's
// REST API (v2.1) it lists and looks up accounts, sites, roles, users and service users,
// converts them to the types of internal/access, and changes the roles of users and service
// users.
//
// It guarantees that
//   - a response that a console cannot have sent (no data, cut short, a web page) is an
//     error and never an empty page, so that no principal counts as deleted by mistake;
//   - every failure is an [*Error] that says what happened, to which call, and
//     what to do, or wraps [ErrReadOnly];
//   - it does not send a write whose effect the vendor does not describe, such as an empty
//     list of roles; a read-only client sends no write at all;
//   - requests stay within the rates that the vendor publishes per token; those with
//     [Urgent] do not wait;
//   - no error holds the API token, a cursor or an e-mail address, and no log line and no
//     %+v of a value of this package holds the API token or the token of a service user.
//
// It never retries: the caller decides. A request is sent twice in two cases only: after a
// 401, if the token file holds a new token by then; and when net/http finds that the idle
// connection it used for a GET was closed.
//
// Example:
//
//	c, err := console.New(console.Config{
//		BaseURL: "https://acmeco.sentinelone.net",
//		Token:   console.TokenFile("/run/secrets/sentinelone"),
//	})
//	for cursor := ""; ; {
//		page, err := c.Users(ctx, console.ListOptions{Cursor: cursor})
//		// … keep page.Items; stop when page.Next is ""
//	}
//
// Comments mark how certain a fact about the API is: "verified" was seen in the vendor's API
// description or in a real response, "inferred" follows from such facts, "not verified" is a
// defensive choice.
package console
