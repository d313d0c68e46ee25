package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTokenSources_AreRedacted(t *testing.T) {
	t.Parallel()
	file := TokenFile(writeToken(t, testToken))
	_, err := file.Token()
	require.NoError(t, err)
	for _, source := range []TokenSource{StaticToken(testToken), file} {
		client, err := New(Config{BaseURL: exampleURL, Token: source})
		require.NoError(t, err)
		wrapped := struct{ hiddenIn any }{source} // fmt cannot call methods through it
		config := Config{BaseURL: exampleURL, Token: source}

		var log bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
			slog.New(handler).Info("made", "source", source, "client", client, "config", config)
		}
		printed := log.String() + allPrints(source) + allPrints(client) + allPrints(*client) +
			allPrints(wrapped) + allPrints(&wrapped) + allPrints(config) + allPrints(&config)
		require.NotContains(t, printed, testToken)
		require.NotContains(t, printed, fmt.Sprintf("%x", testToken))
		require.Equal(t, redacted, fmt.Sprint(source))
		require.Equal(t, redacted, fmt.Sprintf("%#v", source))
		encoded, err := json.Marshal(map[string]any{"token": source})
		require.NoError(t, err)
		require.JSONEq(t, `{"token":"[redacted]"}`, string(encoded))
	}
}

func TestToken_InvalidTokens(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"":                 "is empty",
		" \n":              "is empty",
		"ApiToken abcdefg": "without the word ApiToken",
		"abc\ndef":         "white space inside",
		"abc\x00def":       "a character that tokens do not have",
		"abcédef":          "a character that tokens do not have",
		`"abcdef"`:         "quotes or brackets in it",
		"'abcdef'":         "quotes or brackets in it",
		"<abcdef>":         "quotes or brackets in it",
		`{"token":"def"}`:  "quotes or brackets in it",

		"SENTINELONE_API_TOKEN=abcdef": "begins with the name of a variable",
	} {
		_, err := StaticToken(token).Token()
		require.ErrorContains(t, err, want)
		path := writeToken(t, token)
		_, err = TokenFile(path).Token()
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, path)
		require.NotContains(t, err.Error(), "def")
	}
	_, err := TokenFile(writeToken(t, strings.Repeat("x", maxTokenFile+1))).Token()
	require.ErrorContains(t, err, "larger than 64 KiB")
	_, err = TokenFile(filepath.Join(t.TempDir(), "absent")).Token()
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestToken_IsTrimmed(t *testing.T) {
	t.Parallel()
	for _, source := range []TokenSource{
		StaticToken(" \t" + testToken + "\r\n"),
		TokenFile(writeToken(t, testToken+"\r\n")),
		TokenFile(writeToken(t, "\ufeff\ufeff\u00a0"+testToken+"\n\ufeff\n")),
	} {
		token, err := source.Token()
		require.NoError(t, err)
		require.Equal(t, testToken, token)
	}
}

func TestTokenFile_ReloadKeepsTheLastGoodToken(t *testing.T) {
	t.Parallel()
	path := writeToken(t, "first-token")
	source := TokenFile(path)
	token, err := source.Token()
	require.NoError(t, err)
	require.Equal(t, "first-token", token)

	changed, err := source.Reload()
	require.NoError(t, err)
	require.False(t, changed)

	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, err = source.Reload()
	require.ErrorContains(t, err, "is empty")
	token, err = source.Token()
	require.NoError(t, err)
	require.Equal(t, "first-token", token)

	require.NoError(t, os.WriteFile(path, []byte("second-token\n"), 0o600))
	changed, err = source.Reload()
	require.NoError(t, err)
	require.True(t, changed)
	token, err = source.Token()
	require.NoError(t, err)
	require.Equal(t, "second-token", token)
}

func TestStaticToken_NeverChanges(t *testing.T) {
	t.Parallel()
	changed, err := StaticToken(testToken).Reload()
	require.NoError(t, err)
	require.False(t, changed)
}

func writeToken(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte(token), 0o600))
	return path
}
