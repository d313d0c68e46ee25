package describe

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"sentinelone-provisioner/internal/access"
)

// Limits on the length of texts from outside, in characters.
const (
	MaxName   = 120 // a name or an id
	MaxReason = 500 // a reason within a sentence
)

// Text makes a text from outside safe to print on one line of a terminal, a mail or a
// chat message. Line breaks, tabs and other white space become a blank. Characters that
// control a terminal, change the direction of writing or print nothing are escaped, as in
// \x1b or \u202e, so that two names that differ also look different. Text of a result is
// that result.
func Text(s string) string {
	if isSafe(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(escape(rune(s[0])))
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case isVisible(r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
		s = s[size:]
	}
	return b.String()
}

// Lines is [Text] for a text of several lines, which it keeps apart.
func Lines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Text(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}

func isSafe(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !isVisible(r) }) < 0
}

// isVisible says whether a character prints something, or is the blank. Some characters
// count as printable in Unicode and still show nothing, such as the Hangul fillers.
func isVisible(r rune) bool { return unicode.IsPrint(r) && !access.Invisible(r) }

func escape(r rune) string {
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// Authors lists names that the console's activity feed gives to those who made a change. They are claims, as people
// choose their own: one that is more than letters, digits and what names have between them stands in quotation marks.
// It then does not look like two names, an address or a remark of ours.
func Authors(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = n
		if strings.IndexFunc(n, isNoName) >= 0 || strings.TrimSpace(n) != n {
			out[i] = `"` + strings.ReplaceAll(n, `"`, "'") + `"`
		}
	}
	return strings.Join(out, ", ")
}

// isNoName says whether a character is unusual in a person's name.
func isNoName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" .'’-_", r)
}

// Chat is [Text] for Slack and compatible chats: the text starts no link, no mention of a
// person and no call to a whole channel.
func Chat(s string) string { return chatEscapes.Replace(Text(s)) }

var chatEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Shorten cuts a text to at most limit characters; where it cuts, the last one is "…".
func Shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	if limit < 1 {
		return ""
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// Plural is a count with its noun: "1 row", "2 rows".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// name is a name or an id, safe and of limited length.
func name(s string) string { return Shorten(Text(s), MaxName) }

// Sprintf is [fmt.Sprintf] for a terminal: each text among the arguments becomes one safe
// line ([Text]), and so does each line of the result ([Lines]). A name cannot begin a line
// of its own.
func Sprintf(format string, args ...any) string {
	safe := make([]any, len(args))
	for i, arg := range args {
		safe[i] = safeArgument(arg)
	}
	return Lines(fmt.Sprintf(format, safe...))
}

func safeArgument(arg any) any {
	if err, is := arg.(error); is && err != nil {
		return Text(err.Error())
	}
	if s, is := arg.(fmt.Stringer); is && reflect.ValueOf(arg).Kind() != reflect.Int64 { // no duration
		return Text(s.String())
	}
	if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
		return Text(v.String())
	}
	return arg
}

// Error is a message for a terminal that may have several lines: the later ones are
// indented, so that none that a name brings along passes for a message of its own.
func Error(message string) string {
	return strings.ReplaceAll(Lines(strings.TrimSpace(message)), "\n", "\n  ")
}

// JSON escapes in a JSON text what a terminal must not get. Programs read the same from it.
func JSON(text []byte) []byte {
	if bytes.IndexFunc(text, isUnsafeInJSON) < 0 {
		return text
	}
	var out bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !isUnsafeInJSON(r):
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.Bytes()
}

// isUnsafeInJSON leaves ASCII to the encoder, which escapes it in texts.
func isUnsafeInJSON(r rune) bool { return r >= 0x7f && !isVisible(r) && r != utf8.RuneError }
