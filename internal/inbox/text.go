package inbox

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cut shortens a text to a number of terminal columns.
func cut(s string, columns int) string { return ansi.Truncate(s, max(columns, 0), "…") }

// pad cuts or fills a text to exactly a number of terminal columns.
func pad(s string, columns int) string {
	s = cut(s, columns)
	return s + strings.Repeat(" ", max(columns-ansi.StringWidth(s), 0))
}

// wrap breaks a text into lines of at most a number of terminal columns.
func wrap(s string, columns int) []string {
	return strings.Split(ansi.Wrap(s, max(columns, 1), " "), "\n")
}

// hang wraps a text behind a label and indents the further lines by its width.
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

// labelWidth is the width of the labels in front of facts and fields, in terminal columns.
const labelWidth = 10
