package export

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// inert prevents a spreadsheet from running a text as a formula, by an apostrophe in front of it
// (https://owasp.org/www-community/attacks/CSV_Injection). Spreadsheets differ in what they take for the
// separator of cells, and one that expects semicolons ignores quotes inside what it takes for a cell. So
// each part of the text between possible separators counts as a cell.
func inert(cell string) string {
	var out strings.Builder
	if cell != "" && strings.IndexByte(leadingControls, cell[0]) >= 0 {
		out.WriteByte('\'')
	} else if !strings.ContainsFunc(cell, startsFormula) { // nearly every cell
		return cell
	}
	for {
		if runs(cell) {
			out.WriteByte('\'')
		}
		end := strings.IndexAny(cell, cellSeparators)
		if end < 0 {
			out.WriteString(cell)
			return out.String()
		}
		out.WriteString(cell[:end+1]) // separators are one byte each
		cell = cell[end+1:]
	}
}

// cellSeparators are what spreadsheets take for the end of a cell, by their language or settings.
const cellSeparators = ",;|\t\r\n"

// leadingControls are the control characters that must not begin a cell, by OWASP's lists.
const leadingControls = "\t\r\n\x00"

// runs reports whether a spreadsheet would run a cell of that text. It looks past what spreadsheets
// remove in front of a formula: blanks, quotes, invisible characters.
func runs(cell string) bool {
	for _, r := range cell {
		switch {
		case startsFormula(r):
			return true
		case r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r):
		default:
			return false
		}
	}
	return false
}

// startsFormula reports whether a cell that begins with r may be a formula. Japanese versions of
// spreadsheets accept the full-width forms too; other forms of the same meaning are as rare in a name.
func startsFormula(r rune) bool {
	switch r {
	case '=', '+', '-', '@', '\u2212': // the last, a minus sign, has no compatibility form
		return true
	}
	if r < unicode.MaxASCII {
		return false
	}
	folded := norm.NFKC.String(string(r))
	return folded == "=" || folded == "+" || folded == "-" || folded == "@"
}
