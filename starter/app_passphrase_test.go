package main

import (
	"io"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// What is typed as soon as the question is seen, or before, is not shown.
func TestReadPassphrase(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"open sesame\r": "open sesame", "open sesame\n": "open sesame", "öffne dich\r": "öffne dich",
		"open sesam\x7fme\r": "open sesame", "open\x03": "", "\x04": "",
	} {
		person, tty, err := pty.Open()
		require.NoError(t, err)
		seen := make(chan string, 1)
		go func() { seen <- answerAt(person, "Passphrase of ~/key: ", typed) }()
		got, err := readPassphrase(tty, "~/key")
		require.Equal(t, want, string(got), "%q", typed)
		if want == "" {
			require.EqualError(t, err, "no passphrase entered")
		} else {
			require.NoError(t, err)
		}
		require.NoError(t, tty.Close())
		text := <-seen
		require.Contains(t, text, "Passphrase of ~/key: ")
		require.NotContains(t, text, "sesam")
		require.NotContains(t, text, "dich")
		require.NoError(t, person.Close())
	}
}

// answerAt types once a question is there, and gives all that was shown until the end.
func answerAt(person io.ReadWriter, question, typed string) string {
	var seen strings.Builder
	buffer := make([]byte, 256)
	for answered := false; ; {
		n, err := person.Read(buffer)
		seen.Write(buffer[:n])
		if err != nil {
			return seen.String()
		}
		if !answered && strings.Contains(seen.String(), question) {
			answered = true
			if _, err := person.Write([]byte(typed)); err != nil {
				return err.Error()
			}
		}
	}
}
