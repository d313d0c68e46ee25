package access_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"sentinelone-provisioner/internal/access"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, same := range []string{
		"ana@example.com", "Ana@Example.COM", "  ana@example.com\t", "ana@example.com\u200b", "\ufeffana@example.com",
		"a\u00adna@example.com", "ana@example.com\u00a0",
		// characters that print nothing
		"ana\ufe0f@example.com", "ana\u034f@example.com", "ana\u3164@example.com", "ana\u115f@example.com",
		"ana\u1160@example.com", "ana\uffa0@example.com", "ana\u2800@example.com", "ana\u180b@example.com",
		"ana\u180e@example.com", "ana\U000e0100@example.com", "ana\U000e0041@example.com", "ana\u202e@example.com",
		"ana\u2065@example.com", "ana\u17b4@example.com",
		// control characters
		"ana\x00@example.com", "ana\a@example.com", "ana\x1b@example.com", "ana@example.com\u009b",
		// NFKC
		"ａｎａ@example.com", "ana＠example.com", "𝐚𝐧𝐚@example.com", "ana@example．com", "ana@example\u3002com",
		"ⓐna@example.com",
		// other ways to write the address
		"ana@example.com.", "ana@example.com..", "Ana <ana@example.com>", `"Ana, A." <Ana@example.com.>`,
		"<ana@example.com>", "<<ana@example.com>>", "mailto:ana@example.com", "MAILTO: ana@example.com",
		"<mailto:ana@example.com>", "mailto:ana@example.com?subject=hello", "ｍailto:ana@example.com",
		"Bob <bob@example.com> <ana@example.com>",
	} {
		require.Equal(t, "ana@example.com", access.Fold(same), "%+q", same)
	}
	require.Equal(t, "kim@example.com", access.Fold("\u212aIM@example.com"), "the Kelvin sign is a K")
	require.Equal(t, access.Fold("sven@example.com"), access.Fold("\u017fven@example.com"), "a long s is an s")
	require.Equal(t, access.Fold("zoë@example.com"), access.Fold("zoe\u0308@example.com"), "NFC and NFD")
	require.Equal(t, access.Fold("ZOË@example.com"), access.Fold("zoe\u0308@example.com"), "in either case")
	require.Equal(t, access.Fold("ﬁona@example.com"), access.Fold("FIONA@example.com"), "a ligature is two letters")
	for _, same := range []string{
		"ana@xn--mller-kva.de", "ANA@XN--MLLER-KVA.DE", "ana@m\u00dcller.de", "ana@mu\u0308ller.de",
		"ana@ｘn--mller-kva.de",
	} {
		require.Equal(t, access.Fold("ana@müller.de"), access.Fold(same), same)
	}
	require.Equal(t, access.Fold("ana@他们为什么不说中文"), access.Fold("ana@xn--ihqwcrb4cv8a8dqg056pqjye"), "RFC 3492, 7.1")
	for _, none := range []string{"ana@xn--", "ana@xn--!", "ana@xn--99999999", "xn--mller-kva", "ana@xn--a-\u00fc"} {
		require.Equal(t, access.Fold(none), access.Fold(access.Fold(none)), none)
	}
	require.Equal(t, "ana smith", access.Fold(" Ana \n Smith"))
	require.Equal(t, "ana <smith>", access.Fold("Ana <Smith>"), "no address, so nothing is dropped")
	require.Empty(t, access.Fold(" \u200b \u3164 "))
	for _, other := range []string{
		"ana+soc@example.com", "an.a@example.com", "ana@example.org", "ana@example", ".ana@example.com",
		"ana@example.com <bob@example.com>",
	} {
		require.NotEqual(t, "ana@example.com", access.Fold(other))
	}
}

// TestFoldOfEachCharacter holds for all of Unicode: folding is stable, no spelling of one
// character by another normal form is somebody else, and what prints nothing counts for
// nothing.
func TestFoldOfEachCharacter(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || r > 0x3ffff && r < 0xe0000 || r > 0xe0fff { // none is assigned there
			continue
		}
		text := "a" + string(r) + "b@example.com"
		once := access.Fold(text)
		if once != access.Fold(once) || once != access.Fold(norm.NFD.String(text)) ||
			once != access.Fold(norm.NFKC.String(text)) ||
			once != access.Fold(strings.ToUpper(norm.NFC.String(text))) &&
				strings.ToLower(strings.ToUpper(text)) == text {
			t.Fatalf("U+%04X folds to %+q, and that to %+q", r, once, access.Fold(once))
		}
		if access.Invisible(r) || unicode.IsControl(r) && !unicode.IsSpace(r) {
			require.Equal(t, "ab@example.com", once, "U+%04X", r)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("Ana@Example.com")
	f.Add("\u0130\u212a\u017f\u03a3\u1e9e")
	f.Add("mailto:<Mailto:Bob@x>.")
	f.Add("ana@xn--mller-kva.xn--p1ai")
	f.Add("\u0345\u03b1\u1fb3\u0390 <a@\u3002>")
	f.Fuzz(func(t *testing.T, name string) {
		once := access.Fold(name)
		require.Equal(t, once, access.Fold(once))
		require.Equal(t, once, access.Fold(" "+name+" "))
		if utf8.ValidString(name) {
			require.Equal(t, once, access.Fold(norm.NFD.String(name)))
			require.Equal(t, once, access.Fold(norm.NFC.String(name)))
		}
		for _, other := range []string{"ana@example.com", "Bob@example.com"} {
			if strings.EqualFold(name, other) {
				require.Equal(t, access.Fold(other), once)
			}
		}
	})
}
