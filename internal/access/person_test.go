package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

func TestValidPerson(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"ana@example.com", "Ana+soc@Example.com", "ana smith", "zoe\u0308@example.com", "svc-ci", " bob@example.com ",
		"o'neil@example.com", "дана@example.com", strings.Repeat("a", 308) + "@example.com",
	} {
		require.NoError(t, access.ValidPerson("by", name), "%q", name)
	}
	for name, why := range map[string]string{
		"":                "by is missing: write an address, as in carol@example.com",
		" \u200b":         "by is missing",
		"...":             "by is missing",
		"bob\xff@x.com":   "by is not valid UTF-8",
		"b\x00ob@x.com":   "by contains U+0000, a control character or one that prints nothing: write an address",
		"bob@x.com\n":     "by contains U+000A",
		"bob@x.com\x1b[m": "by contains U+001B",
		"bob\u202e@x.com": "by contains U+202E",
		"bob\ufe0f@x.com": "by contains U+FE0F", "bob\u034f@x.com": "by contains U+034F",
		"bob\u3164@x.com": "by contains U+3164", "bob\u115f@x.com": "by contains U+115F",
		"bob\u2800@x.com": "by contains U+2800", "bob\u180b@x.com": "by contains U+180B",
		"bob\U000e0100@x": "by contains U+E0100", "bob\u00a0@x.com": "by contains U+00A0",
		"bob\ue000@x.com": "by contains U+E000", "bob\u009b@x.com": "by contains U+009B",
		"Bob <bob@x.com>":        `by is "Bob <bob@x.com>": write the address alone, as in carol@example.com`,
		"mailto:bob@x.com":       "write the address alone",
		"bob@x.com (Bob)":        "write the address alone",
		`"bob"@x.com`:            "write the address alone",
		"bob@x.com, eve@x.com":   "write the address alone",
		strings.Repeat("a", 321): "by is 321 bytes long, and the limit is 320: write an address",
	} {
		require.ErrorContains(t, access.ValidPerson("by", name), why, "%q", name)
	}
	long := access.ValidPerson("by", strings.Repeat("a", 2<<20))
	require.Less(t, len(long.Error()), 200, "the message does not repeat the text")
}

func TestLength(t *testing.T) {
	t.Parallel()
	require.NoError(t, access.Length("reason", strings.Repeat("é", 2048), access.MaxReasonBytes))
	require.EqualError(t, access.Length("reason", strings.Repeat("é", 2049), access.MaxReasonBytes),
		"reason is 4098 bytes long, and the limit is 4096: shorten it")
}
