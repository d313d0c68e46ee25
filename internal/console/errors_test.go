package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

const nginxPage = "<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n" +
	"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

const laterHint = ": the console or a proxy in front of it has a problem; try again later"

// errorResponses are statuses and bodies as consoles send them.
var errorResponses = []struct {
	name      string
	status    int
	body      string
	want      string // the whole sentence behind "GET /users: "
	code      int
	temporary bool
}{
	{
		"bad cursor", 400, `{"errors":[{"code":4000010,"detail":"Invalid cursor value received",` +
			`"title":"Validation Error"}]}`,
		"400 Validation Error (4000010), Invalid cursor value received", 4000010, false,
	},
	{
		"several faults", 400, `{"errors":[{"code":4000010,"detail":"limit: too large","title":"Validation Error"},` +
			`{"code":4000010,"detail":"x: Unknown field","title":"Validation Error"}],"data":null}`,
		"400 Validation Error (4000010), limit: too large; x: Unknown field", 4000010, false,
	},
	{
		"wrong token", 401, `{"errors":[{"code":4010010,"detail":null,"title":"Authentication Failed"}]}`,
		"401 Authentication Failed (4010010): the API token is wrong, expired or revoked (the console does not say " +
			"which); create a new one in the console and configure it", 4010010, false,
	},
	{
		"forbidden", 403, `{"errors":[{"code":4030010,"detail":null,"title":"Insufficient permissions"}]}`,
		"403 Insufficient permissions (4030010): the token's role lacks Users.view at this scope; " +
			"add it to the role in the console", 4030010, false,
	},
	{
		"forbidden by a proxy", 403, fmt.Sprintf(nginxPage, 403, 403),
		"403 Forbidden: the response is a web page and not from the API; " +
			"a proxy or an address filter may block this machine",
		0, false,
	},
	{
		"not found", 404, `{"errors":[{"code":4040010,"detail":"","title":"Requested resource was not found"}]}`,
		"404 Requested resource was not found (4040010)", 4040010, false,
	},
	{
		"no console", 404, fmt.Sprintf(nginxPage, 404, 404),
		"404 Not Found: the response is a web page and not from the API; " +
			"is this a SentinelOne console? check the base URL",
		0, false,
	},
	{
		"conflict", 409, `{"errors":[{"code":"4090010","detail":"User or Email already taken","title":7}]}`,
		"409 7 (4090010), User or Email already taken", 4090010, false,
	},
	{"request timeout", 408, ``, "408 Request Timeout" + laterHint, 0, true},
	{"too early", 425, `{}`, "425 Too Early" + laterHint, 0, true},
	{
		"too many", 429, fmt.Sprintf(nginxPage, 429, 429),
		"429 Too Many Requests: too many requests for this token; wait and try again", 0, true,
	},
	{
		"server error", 500, `{"errors":[{"code":5000010,"detail":"Server could not process the request.",` +
			`"title":"Internal server error"}]}`,
		"500 Internal server error (5000010), Server could not process the request: " +
			"the console or a proxy in front of it has a problem; try again later", 5000010, true,
	},
	{
		"not supported", 501, `{"errors":[{"code":5010010,"detail":null,"title":"Not supported"}]}`,
		"501 Not supported (5010010)", 5010010, false,
	},
	{
		"bad gateway", 502, fmt.Sprintf(nginxPage, 502, 502),
		"502 Bad Gateway" + laterHint, 0, true,
	},
	{
		"truncated body", 503, `{"errors":[{"code":50300`,
		"503 Service Unavailable" + laterHint, 0, true,
	},
	{
		"null errors", 504, `{"errors":null}`,
		"504 Gateway Timeout" + laterHint, 0, true,
	},
	{
		"message only", 418, `{"message":"User does not have required permissions."}`,
		"418 I'm a teapot, User does not have required permissions", 0, false,
	},
	{"unknown status", 499, `[]`, "499", 0, false},
}

func TestErrors_EachStatusAndBody(t *testing.T) {
	t.Parallel()
	for _, tc := range errorResponses {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := startConsole(t, respond(tc.status, tc.body))
			_, err := f.client(t).Users(t.Context(), ListOptions{})
			e := asError(t, err)
			require.EqualError(t, err, "GET /users: "+tc.want)
			require.Equal(t, KindStatus, e.Kind)
			require.Equal(t, tc.status, e.Status)
			require.Equal(t, tc.code, e.Code)
			require.Equal(t, http.MethodGet, e.Method)
			require.Equal(t, "/users", e.Path)
			require.Equal(t, tc.temporary, e.Temporary())
			require.Equal(t, strings.HasPrefix(tc.body, "<"), e.HTML)
			require.Zero(t, e.RetryAfter)
			require.Equal(t, 1, f.count(), "the client retries nothing")
		})
	}
}

func TestErrors_RetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"30":                            30 * time.Second,
		" 7 ":                           7 * time.Second,
		"0":                             0,
		"-5":                            0,
		"7200":                          time.Hour,
		"9223372036854775807":           time.Hour,
		"99999999999999999999":          0,
		"soon":                          0,
		"Wed, 04 Mar 2026 05:06:47 GMT": 40 * time.Second,
		"Wed, 04 Mar 2026 09:06:47 GMT": time.Hour,
		"Wed, 04 Mar 2026 05:00:00 GMT": 0,
	} {
		f := startConsole(t, respond(429, fmt.Sprintf(nginxPage, 429, 429), "Retry-After", header))
		c := f.client(t)
		c.now = func() time.Time { return now }
		_, err := c.Users(t.Context(), ListOptions{})
		require.Equal(t, want, asError(t, err).RetryAfter, header)
	}
	_, err := startConsole(t, respond(503, "", "Retry-After", "30")).client(t).Users(t.Context(), ListOptions{})
	require.Equal(t, 30*time.Second, asError(t, err).RetryAfter)
}

func TestErrors_HoldNoSecrets(t *testing.T) {
	t.Parallel()
	const cursor = "c2VjcmV0IGN1cnNvcg=="
	echo := fmt.Sprintf(`{"errors":[{"code":4000010,"title":"no ana@example.com here",`+
		`"detail":"token %s, jwt eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln, cursor %s or %s\u0000\n%s"}]}`,
		testToken, cursor, url.QueryEscape(cursor), strings.Repeat("long ", 200))
	for _, status := range []int{400, 401, 403, 429, 500} {
		_, err := startConsole(t, respond(status, echo)).client(t).Users(t.Context(), ListOptions{Cursor: cursor})
		e := asError(t, err)
		printed := allPrints(err) + fmt.Sprintf("%+v", *e)
		for _, secret := range []string{
			testToken, cursor, url.QueryEscape(cursor), "ana@", "eyJ", "c2ln", "\n", "127.0.0.1",
		} {
			require.NotContains(t, printed, secret)
		}
		require.Less(t, len(e.Detail), 400)
		require.Equal(t, "no [e-mail] here", e.Title)
	}
}

func TestErrors_ForbiddenNamesThePermission(t *testing.T) {
	t.Parallel()
	f := startConsole(t, respond(403, `{"errors":[{"code":4030010,"detail":null,"title":"Insufficient permissions"}]}`))
	for _, of := range access.Collections() {
		require.NotEmpty(t, Permission(of))
		_, err := f.client(t).Probe(t.Context(), of)
		require.ErrorContains(t, err, "lacks "+Permission(of)+" at")
		_, err = f.client(t).Count(t.Context(), of)
		require.ErrorContains(t, err, "lacks "+Permission(of)+" at")
	}
	_, err := f.client(t).ServiceUser(t.Context(), "1")
	require.ErrorContains(t, err, "GET /service-users/1: 403")
	require.ErrorContains(t, err, "lacks Service Users.view at")
	_, err = f.client(t).SystemInfo(t.Context())
	require.ErrorContains(t, err, "does not say which")
	require.Empty(t, Permission("groups"))
}

func TestError_OnlyAStatus(t *testing.T) {
	t.Parallel()
	require.True(t, (&Error{}).Temporary())
	require.EqualError(t, &Error{Method: "GET", Path: "/x"}, "GET /x: no response from the console: unknown cause")
	require.True(t, (&Error{Status: 502}).Temporary())
	require.False(t, (&Error{Status: 404}).Temporary())
	require.EqualError(t, &Error{Status: 404, Method: "GET", Path: "/x"}, "GET /x: 404 Not Found")
}
