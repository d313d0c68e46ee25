package inbox

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// plain keeps texts of strangers from moving the cursor, changing colours or breaking
// lines.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return '�'
	}, s)
}

// cut fits a text into so many columns.
func cut(s string, columns int) string { return ansi.Truncate(s, max(columns, 0), "…") }

// pad fits a text into so many columns, with blanks behind it.
func pad(s string, columns int) string {
	s = cut(s, columns)
	return s + strings.Repeat(" ", max(columns-ansi.StringWidth(s), 0))
}

// wrap breaks a text into lines of so many columns.
func wrap(s string, columns int) []string {
	return strings.Split(ansi.Wrap(s, max(columns, 1), " "), "\n")
}

// hang wraps a text behind a label, under which its further lines leave room.
func hang(label, text string, columns int) []string {
	room := min(labelWidth, columns/3)
	lines := wrap(text, columns-room)
	for i, line := range lines {
		if i > 0 {
			label = ""
		}
		lines[i] = pad(label, room) + line
	}
	return lines
}

// labelWidth is that of the names before facts.
const labelWidth = 10

// moment is a time to the minute.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// left is how long there is until a time, in one unit.
func left(until, now time.Time) string {
	const day = 24 * time.Hour
	switch d := until.Sub(now); {
	case until.IsZero():
		return ""
	case d <= 0:
		return "over"
	case d < time.Minute:
		return "<1 min"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	default:
		return fmt.Sprintf("%d days", d/day)
	}
}

// plural is a count with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
