package inbox

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

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
