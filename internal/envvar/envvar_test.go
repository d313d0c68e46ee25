package envvar_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/envvar"
)

// What stands around a value is no part of it; what cannot be meant is named, and never shown.
func TestClean(t *testing.T) {
	t.Parallel()
	for _, same := range []string{
		"hunter2", " hunter2\t", "hunter2\r\n", "\ufeffhunter2", "\u00a0hunter2 ",
		"\r\n\ufeff hunter2",
	} {
		got, err := envvar.Clean("X", same)
		require.NoError(t, err, "%q", same)
		require.Equal(t, "hunter2", got)
	}
	for raw, want := range map[string]string{
		`"hunter2"`: "quotes", "'hunter2'": "quotes", "“hunter2”": "quotes", " 'hunter2'\r\n": "quotes", `""`: "quotes",
		"hun\x07ter2": "U+0007", "hun\nter2": "U+000A", "hun\u200bter2": "U+200B", "hun\x00ter2": "U+0000",
		"hunter2\xff": "UTF-8", strings.Repeat("hunter2", 10_000): "70000 bytes long",
	} {
		_, err := envvar.Clean("X", raw)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "X ")
		require.NotContains(t, err.Error(), "hunter2")
	}
	got, err := envvar.Clean("X", `it's "here"`)
	require.NoError(t, err)
	require.Equal(t, `it's "here"`, got)
}

func TestLookup(t *testing.T) {
	_, set, blank, err := envvar.Lookup("ENVVAR_TEST_NONE")
	require.NoError(t, err)
	require.False(t, set || blank)
	for _, raw := range []string{"", "  ", "\ufeff", "\r\n"} {
		t.Setenv("ENVVAR_TEST", raw)
		_, set, blank, err = envvar.Lookup("ENVVAR_TEST")
		require.NoError(t, err)
		require.False(t, set)
		require.True(t, blank)
	}
	t.Setenv("ENVVAR_TEST", " x ")
	value, set, blank, err := envvar.Lookup("ENVVAR_TEST")
	require.NoError(t, err)
	require.True(t, set)
	require.False(t, blank)
	require.Equal(t, "x", value)
}

// A long value may be a token: a message says how long it is.
func TestShown(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"loud"`, envvar.Shown("loud"))
	require.Equal(t, "a text of 80 bytes", envvar.Shown(strings.Repeat("x", 80)))
	require.Equal(t, "a URL with a password", envvar.Shown("http://u:hunter2@h"))
	require.False(t, envvar.HoldsPassword("http://u@h"))
}

// A URL whose password would be taken for something else is refused; one that is written as it
// must be is not.
func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"postgres://u:P@ssw0rd!@127.0.0.1:1/db", "postgres://u:12/3@h:5432/db", "postgres://u:12?3@h/db",
		"postgres://u:12#3@h/db", "postgres://u:5%@h/db", "postgres://u:5%zz@h/db",
		"postgres://u:5%CAnary@h/db", "postgres://u:5%07@h/db", "postgres://u:a b@h/db",
		"postgres://u:a[b@h/db", "postgres://u:12?user=x#y@h/db", "smtp://ana@example.com:pw@mail:25",
		"postgres://u:12?other=x@h/db", "https://h:8443/@x", "http://[::1]:1/a@b",
	} {
		require.ErrorIs(t, envvar.CheckURL(bad, "user"), envvar.ErrEncode, bad)
	}
	for _, good := range []string{
		"postgres://u:P%40ss@h:5432/db?sslmode=disable", "postgres://u@h/db", "postgres://h1:1,h2:2/db",
		"postgres://h:5432/db?user=ana@azure&password=x", "https://chat.example.com/@channel?to=a@b", "x", "",
		"postgres://u:a:b@h/db", "postgres://u:p!$&'()*+,;=~@h/db", "https://[::1]/x@y",
	} {
		require.NoError(t, envvar.CheckURL(good, "user"), good)
	}
}
