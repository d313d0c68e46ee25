package describe_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/describe"
)

func TestText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"plain":                    {"Acme / Berlin", "Acme / Berlin"},
		"empty":                    {"", ""},
		"letters of any script":    {"Jürgen 山田 Ωmega", "Jürgen 山田 Ωmega"},
		"combining accent":         {"e\u0301", "e\u0301"},
		"emoji":                    {"on call 🚒", "on call 🚒"},
		"escape sequence":          {"a\x1b[2Jb", `a\x1b[2Jb`},
		"bell":                     {"a\ab", `a\x07b`},
		"NUL":                      {"a\x00b", `a\x00b`},
		"backspace":                {"admin\b\b", `admin\x08\x08`},
		"C1 control":               {"a\u009b31mb", `a\x9b31mb`},
		"delete":                   {"a\x7f", `a\x7f`},
		"line breaks and tabs":     {"a\nb\tc\rd", "a b c d"},
		"line separator":           {"a\u2028b\u2029c\u0085d", "a b c d"},
		"no-break space":           {"a\u00a0b", "a b"},
		"right-to-left override":   {"gnp\u202eexe", `gnp\u202eexe`},
		"isolates":                 {"\u2066a\u2069", `\u2066a\u2069`},
		"zero-width space":         {"ad\u200bmin", `ad\u200bmin`},
		"zero-width joiner":        {"ad\u200dmin", `ad\u200dmin`},
		"byte order mark":          {"\ufeffana", `\ufeffana`},
		"soft hyphen":              {"ad\u00admin", `ad\xadmin`},
		"tag character":            {"a\U000e0041", `a\U000e0041`},
		"variation selector":       {"a\ufe0f", `a\ufe0f`},
		"Hangul filler":            {"\u3164", `\u3164`},
		"blank Braille":            {"\u2800", `\u2800`},
		"combining grapheme joins": {"a\u034fb", `a\u034fb`},
		"private use":              {"\ue000", `\ue000`},
		"not UTF-8":                {"a\xff\xfeb", `a\xff\xfeb`},
		"replacement character":    {"a\ufffdb", "a\ufffdb"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := describe.Text(tt.in)
			require.Equal(t, tt.want, got)
			require.Equal(t, got, describe.Text(got), "a safe text stays as it is")
		})
	}
}

// Names that differ in characters that print nothing do not look the same.
func TestText_TellsNamesApart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, name := range []string{"admin", "ad\u200bmin", "ad\u200dmin", "\u202eadmin", "admin\x00", "admin\xff"} {
		require.False(t, seen[describe.Text(name)], "%q", name)
		seen[describe.Text(name)] = true
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"ana@example.com", "a\x1b[2J\n\u202e", "\xff\x00\u3164", "<!channel>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := describe.Text(s)
		require.True(t, utf8.ValidString(got))
		require.False(t, strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }))
		require.NotContains(t, got, "\u202e")
		require.Equal(t, got, describe.Text(got))
		require.NotContains(t, describe.Chat(s), "<")
		require.LessOrEqual(t, utf8.RuneCountInString(describe.Shorten(got, 10)), 10)
	})
}

func TestLines(t *testing.T) {
	t.Parallel()
	require.Equal(t, `a\x1b[2J`+"\nb\n", describe.Lines("a\x1b[2J\r\nb\n"))
	require.Empty(t, describe.Lines(""))
}

func TestChat(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"bob requests SOC":                    "bob requests SOC",
		"<!channel>":                          "&lt;!channel&gt;",
		"<https://example.com|click> & <@U1>": "&lt;https://example.com|click&gt; &amp; &lt;@U1&gt;",
		"a\x1b[2J\u202e":                      `a\x1b[2J\u202e`,
		"&lt;":                                "&amp;lt;",
	} {
		require.Equal(t, want, describe.Chat(in))
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in    string
		limit int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"äöüß", 3, "äö…"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
		{"abc", -1, ""},
		{"", 0, ""},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, describe.Shorten(tt.in, tt.limit), "%q to %d", tt.in, tt.limit)
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 rows", 1: "1 row", 2: "2 rows"} {
		require.Equal(t, want, describe.Plural(n, "row"))
	}
}

func TestSprintf(t *testing.T) {
	t.Parallel()
	const name = "a\x1b[2J\nb\u202e"
	type level string
	require.Equal(t, "one a\\x1b[2J b\\u202e two\n",
		describe.Sprintf("one %s two\n", name), "a name has no lines, the format has")
	require.Equal(t, "a\\x1b[2J b\\u202e", describe.Sprintf("%v", errors.New(name)))
	require.Equal(t, "a\\x1b[2J b\\u202e", describe.Sprintf("%s", level(name)))
	require.Equal(t, "a\\x1b[2J b\\u202e", describe.Sprintf("%s", stringer{name}))
	require.Equal(t, "3 1m0s <nil> [a]\\x07", describe.Sprintf("%d %s %v %v\a", 3, time.Minute, nil, []string{"a"}))
}

type stringer struct{ text string }

func (s stringer) String() string { return s.text }

func TestError(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a\\x07\n  b", describe.Error("a\a\nb\n"))
}

func TestJSON(t *testing.T) {
	t.Parallel()
	type thing struct {
		Name string `json:"name"`
	}
	want := thing{"a\x1b\u202e\u009b\u200b\u2028\U000e0041 Jürgen 🚒 \u00a0\x7f\n"}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	got := describe.JSON(text)
	require.Equal(t, describe.Text(string(got)), string(got))
	require.Contains(t, string(got), `\u202e\u009b\u200b\u2028\udb40\udc41 Jürgen 🚒`)
	var back thing
	require.NoError(t, json.Unmarshal(got, &back))
	require.Equal(t, want, back)
	plain := []byte(`{"name":"Acme / Berlin"}`)
	require.Equal(t, plain, describe.JSON(plain))
}
