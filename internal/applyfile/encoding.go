package applyfile

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const bom = "\ufeff"

// saveAs ends the faults of a file's encoding.
const saveAs = `save the file as UTF-8 and apply it again (Excel: "CSV UTF-8 (Comma delimited)"; ` +
	`LibreOffice: character set "Unicode (UTF-8)"); nothing was started`

// textOf is the file as UTF-8 without a byte order mark, with one line feed at the end of each line. It
// fails with a [*LineError] if the file has another encoding: a name that was read wrongly would be
// another name.
func textOf(data []byte) ([]byte, error) {
	for bytes.HasPrefix(data, []byte(bom)) {
		data = data[len(bom):]
	}
	if name := wideEncoding(data); name != "" {
		return nil, lineError(1, "the file is in %s: %s", name, saveAs)
	}
	if !bytes.ContainsRune(data, '\n') { // as spreadsheets on a Mac can save it
		data = bytes.ReplaceAll(data, []byte{'\r'}, []byte{'\n'})
	}
	for i, line := range bytes.Split(data, []byte{'\n'}) {
		if err := lineFault(line); err != nil {
			return nil, &LineError{i + 1, err}
		}
	}
	return data, nil
}

// wideEncoding names the encoding of a file whose characters take two or four bytes; "" for another.
func wideEncoding(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(data, []byte{0, 0, 0xfe, 0xff}):
		return "UTF-32"
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return `UTF-16 ("Unicode Text")`
	}
	// Without a mark: ASCII letters, such as those of the header, have zero bytes beside them.
	head := data[:min(len(data), 64)]
	switch zeros := bytes.Count(head, []byte{0}); {
	case 2*zeros > len(head):
		return "UTF-32"
	case 4*zeros > len(head):
		return `UTF-16 ("Unicode Text")`
	}
	return ""
}

// lineFault says what of a line is not text in UTF-8.
func lineFault(line []byte) error {
	if i := bytes.IndexByte(line, 0); i >= 0 {
		return fmt.Errorf("%q has a NUL character, so this is no text file: %s", around(line, i, 1), saveAs)
	}
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			return fmt.Errorf("%s, so the file is in another encoding: %s", foreign(line, i), saveAs)
		case r == utf8.RuneError:
			return fmt.Errorf(`%q has the character � in the place of a letter that a program could not read: `+
				"export the file again from where it came; %s", around(line, i, size), saveAs)
		}
		i += size
	}
	return nil
}

// foreign quotes the word around a byte that is not UTF-8, as the usual encodings of spreadsheets have it.
func foreign(line []byte, at int) string {
	word := around(line, at, 1)
	windows, _ := charmap.Windows1252.NewDecoder().String(word) // fails for no bytes
	mac, _ := charmap.Macintosh.NewDecoder().String(word)
	return fmt.Sprintf("byte 0x%02X is not UTF-8 (%q in Windows-1252, %q in Mac Roman)", line[at], windows, mac)
}

const cellEnds = ",;\t\"\r"

// around is the text from the separator before a place to the one after it, at most 20 bytes each way.
func around(line []byte, at, size int) string {
	start, end := at, at+size
	for start > 0 && at-start < 20 && strings.IndexByte(cellEnds, line[start-1]) < 0 {
		start--
	}
	for end < len(line) && end-at < 20 && strings.IndexByte(cellEnds, line[end]) < 0 {
		end++
	}
	return string(line[start:end])
}
