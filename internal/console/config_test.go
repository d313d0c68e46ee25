package console

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseBaseURL_Accepts(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://acmeco.sentinelone.net":      "https://acmeco.sentinelone.net",
		"https://acmeco.sentinelone.net/":     "https://acmeco.sentinelone.net",
		" HTTPS://AcmeCo.SentinelOne.net\n":   "https://acmeco.sentinelone.net",
		"https://acmeco.sentinelone.net:8443": "https://acmeco.sentinelone.net:8443",
		"http://127.0.0.1:8080":               "http://127.0.0.1:8080",
		"http://[::1]:8080/":                  "http://[::1]:8080",
	} {
		u, err := ParseBaseURL(raw)
		require.NoError(t, err, raw)
		require.Equal(t, want, u.String())
	}
}

// Over http the token travels in clear text: only to this machine, unless somebody says so.
func TestNew_HTTPOnlyToThisMachine(t *testing.T) {
	t.Parallel()
	client := func(raw string, allow bool) error {
		_, err := New(Config{BaseURL: raw, Token: StaticToken(testToken), AllowHTTP: allow})
		return err
	}
	for _, here := range []string{
		"http://localhost", "http://LOCALHOST:8080", "http://127.0.0.1:8080", "http://127.8.9.10", "http://[::1]:80",
		"http://[::ffff:127.0.0.1]", "https://acmeco.sentinelone.net",
	} {
		require.NoError(t, client(here, false), here)
	}
	for _, elsewhere := range []string{
		"http://acmeco.sentinelone.net", "HTTP://console-simulator:8080", "http://10.0.0.1", "http://0.0.0.0:8080",
		"http://[::]:80", "http://[fe80::1]", "http://localhost.example.com", "http://127.0.0.1.example.com",
		"http://x.localhost", "http://128.0.0.1",
	} {
		err := client(elsewhere, false)
		require.ErrorContains(t, err, "sends the API token to ", elsewhere)
		require.ErrorContains(t, err, "in clear text: write https://", elsewhere)
		require.ErrorContains(t, err, "SENTINELONE_ALLOW_HTTP=true", elsewhere)
		require.NoError(t, client(elsewhere, true), elsewhere)
	}
}

func TestParseBaseURL_ErrorsSayWhatToWrite(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		"":                                     {"is empty", "https://acmeco.sentinelone.net"},
		"  \t":                                 {"is empty"},
		"acmeco.sentinelone.net":               {"no scheme", "write https://acmeco.sentinelone.net"},
		"bob.example.com:8443/web":             {"no scheme", "write https://bob.example.com:8443"},
		"//acmeco.sentinelone.net":             {"no scheme", exampleURL},
		"https://":                             {"names no host"},
		"https://host:":                        {"colon", "port"},
		"https://host:99999":                   {"between 1 and 65535"},
		"https://https://host":                 {"colon after the host"},
		"ftp://acmeco.sentinelone.net":         {`scheme "ftp"`, "https"},
		"https://exa mple.com":                 {"not a valid URL"},
		"https://bob.example.com/web/api/v2.1": {"a path", "write only https://bob.example.com"},
		"https://bob.example.com/?x=1#top":     {"a query and a fragment", "write only https://bob.example.com"},
		"https://ana:hunter2@bob.example.com/": {"a user name", "write only https://bob.example.com"},
	} {
		_, err := ParseBaseURL(raw)
		require.Error(t, err, raw)
		for _, part := range want {
			require.ErrorContains(t, err, part, raw)
		}
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestParseBaseURL_DoesNotRepeatAToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{testToken, "eyJraWQiOiJhIn0.eyJzdWIiOiJiIn0." + testToken + testToken} {
		_, err := ParseBaseURL(token)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "CANARY")
	}
}

func TestNew_ListsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := New(Config{
		BaseURL: "bob.example.com", Token: StaticToken(" "), Timeout: -time.Second, MaxRow: -1,
		Budgets: []Budget{{Prefix: "users", PerSecond: 1, Burst: 1}, {Prefix: "/sites", Burst: 1}},
	})
	for _, part := range []string{"scheme", "API token is empty", "timeout", "response limit", `"users"`, `"/sites"`} {
		require.ErrorContains(t, err, part)
	}
	_, err = New(Config{BaseURL: exampleURL})
	require.ErrorContains(t, err, "no API token")
}

func TestNew_Defaults(t *testing.T) {
	t.Parallel()
	c, err := New(Config{BaseURL: "https://AcmeCo.sentinelone.net:8443/", Token: StaticToken(testToken)})
	require.NoError(t, err)
	require.Equal(t, "acmeco.sentinelone.net:8443", c.Console())
	require.Equal(t, time.Minute, c.timeout)
	require.Equal(t, int64(8<<20), c.maxRow)
	require.Regexp(t, `^sentinelone-provisioner/\S+$`, c.userAgent)
	require.Len(t, c.limits, len(PublishedBudgets()))

	c, err = New(Config{BaseURL: exampleURL, Token: StaticToken(testToken), Budgets: []Budget{}})
	require.NoError(t, err)
	require.Empty(t, c.limits, "an empty list means no budgets")
}
