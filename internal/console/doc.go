// Package console is the client of one SentinelOne management console: over the
// console's REST API (v2.1) it lists and looks up accounts, sites, roles, users and
// service users, turns them into the types of internal/access, and changes what users
// and service users hold.
//
// It promises that
//   - an answer which a console cannot have given (no data, cut short, a web
//     page) is an error and never an empty page, so that nobody is taken for
//     gone by mistake;
//   - every failure is an [*Error] that says what happened, to which call, and
//     what to do, or wraps [ErrReadOnly];
//   - a write that the vendor does not describe, an empty list of roles above all, is
//     not sent, and a read-only client sends none at all;
//   - requests stay within the rates the vendor publishes per token; those of [Urgent]
//     do not wait for it;
//   - the API token, cursors and e-mail addresses are in no error, and the token
//     is in no log line and no %+v of any value here; nor is that of a service user.
//
// It never retries work: whoever calls it decides that. Two repeats are not
// retries of work: a request refused with 401 is sent once more when the token
// file holds a new token by then, and net/http sends a GET again when the idle
// connection it picked turns out to be closed.
//
// One use:
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
// Facts about the API that no code here can show are marked in comments with how
// sure they are: "verified" was seen in the vendor's API description or in a real
// answer, "inferred" follows from such, "not verified" is a defensive choice.
package console
