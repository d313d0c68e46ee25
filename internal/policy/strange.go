package policy

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"sentinelone-provisioner/internal/textfile"
)

// strangeCharacter finds in a file with faults what an editor does not show, and YAML calls something else: the first
// line that is not UTF-8, has a control character or a byte order mark in it, or is indented with anything but spaces.
// why is "" if there is none.
func strangeCharacter(data []byte) (line int, why string) {
	plain, err := textfile.Text(data)
	if err != nil {
		return 0, ""
	}
	for text := range bytes.Lines(plain) {
		line++
		if !utf8.Valid(text) {
			return line, "it is not UTF-8: save the file as UTF-8"
		}
		whole := strings.TrimRight(string(text), "\r\n")
		content := strings.TrimLeftFunc(whole, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
		for _, r := range whole[:len(whole)-len(content)] {
			if r != ' ' {
				return line, fmt.Sprintf("it is indented with U+%04X: YAML takes spaces alone", r)
			}
		}
		for _, r := range content {
			if unicode.IsControl(r) && r != '\t' || r == '\ufeff' {
				return line, fmt.Sprintf("it contains U+%04X, which does not print: type the line again", r)
			}
		}
	}
	return 0, ""
}

// faultsOf are the faults of an error of [Parse].
func faultsOf(err error) (out []error) {
	for _, f := range Faults(err) {
		out = append(out, f)
	}
	return out
}
