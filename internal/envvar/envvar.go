// Package envvar takes the values of environment variables as people and their tools write them. It
// passes over what stands around a value (blanks, a carriage return, a byte order mark), and names
// what nobody can have meant: quotes around it, control characters, another encoding.
package envvar

import (
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxValue is the most bytes of a value. The longest that are meant are lists of addresses and
// tokens of some KiB.
const MaxValue = 16 << 10

// Lookup returns the cleaned value of a variable. set is false if the variable is not set, or blank;
// blank says that it is set to nothing but blanks. The error is a sentence that begins with the
// variable's name and holds nothing of its value.
func Lookup(name string) (value string, set, blank bool, err error) {
	raw, there := os.LookupEnv(name)
	if !there {
		return "", false, false, nil
	}
	value, err = Clean(name, raw)
	return value, value != "" && err == nil, value == "" && err == nil, err
}

// Clean returns a value without what stands around it, or a sentence about what cannot be in it.
func Clean(name, raw string) (string, error) {
	if len(raw) > MaxValue {
		return "", fmt.Errorf("%s is %d bytes long: set a value of at most %d", name, len(raw), MaxValue)
	}
	if !utf8.ValidString(raw) {
		return "", fmt.Errorf("%s is not in UTF-8: type its value again, in a terminal or a file that uses UTF-8", name)
	}
	value := strings.TrimFunc(raw, around)
	for _, r := range value {
		if unicode.IsControl(r) || unprintable(r) {
			return "", fmt.Errorf("%s contains the character U+%04X, which does not print: "+
				"type its value again, on one line", name, r)
		}
	}
	if quoted(value) {
		return "", fmt.Errorf("%s has quotes around its value, and they count as a part of it: remove them "+
			"(files for `docker run --env-file` take none)", name)
	}
	return value, nil
}

// around says that a character at either end of a value is no part of it.
func around(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

// unprintable are characters that get into a value by copying it from a page or a chat.
func unprintable(r rune) bool {
	return r == '\ufeff' || r >= '\u200b' && r <= '\u200f' || r >= '\u2028' && r <= '\u202e' || r == '\u2060'
}

// quotes are the pairs that people and word processors put around a value.
var quotes = [][2]string{{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"“", "”"}, {"„", "“"}, {"‘", "’"}}

func quoted(value string) bool {
	for _, q := range quotes {
		if len(value) >= len(q[0])+len(q[1]) && strings.HasPrefix(value, q[0]) && strings.HasSuffix(value, q[1]) {
			return true
		}
	}
	return false
}

// HoldsPassword says that a value is a URL with a password.
func HoldsPassword(value string) bool {
	_, rest, found := strings.Cut(value, "://")
	before, _, at := strings.Cut(rest, "@")
	return found && at && strings.Contains(before, ":")
}

// maxShown is the most bytes of a value that a message repeats: more are no word of a setting, and
// may be a token that was pasted into the wrong variable.
const maxShown = 40

// Shown is a value as a message may repeat it.
func Shown(value string) string {
	if HoldsPassword(value) {
		return "a URL with a password"
	}
	if len(value) > maxShown {
		return fmt.Sprintf("a text of %d bytes", len(value))
	}
	return fmt.Sprintf("%q", value)
}
