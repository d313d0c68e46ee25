// Package textfile takes text from files as editors and spreadsheets save them: with a byte order
// mark in front, which is no part of the text, or as UTF-16, which is refused with what to save as.
package textfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"
)

// ErrUTF16 says that a text is in UTF-16, and what to do about it.
var ErrUTF16 = errors.New("it is saved as UTF-16: save it as UTF-8 " +
	"(in an editor: Save as, encoding UTF-8; in PowerShell: Set-Content -Encoding utf8)")

// mark is U+FEFF in UTF-8, which some editors write at the beginning of a file.
const mark = "\xef\xbb\xbf"

// Text returns a text without byte order marks in front. It fails with [ErrUTF16]; any other
// encoding is returned as it is. The result shares its bytes with data.
func Text(data []byte) ([]byte, error) {
	if isUTF16(data) {
		return nil, ErrUTF16
	}
	for bytes.HasPrefix(data, []byte(mark)) { // several, where files with a mark were joined
		data = data[len(mark):]
	}
	return data, nil
}

// Read reads a file as [Text] does. The error is that of [os.ReadFile], which names the path, or
// [ErrUTF16], which does not.
func Read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Text(data)
}

// UTF8 returns a text as [Text] does, and fails on the first line that is not UTF-8: a decoder of JSON
// replaces such bytes without a word.
func UTF8(data []byte) ([]byte, error) {
	text, err := Text(data)
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range bytes.Lines(text) {
		if n++; !utf8.Valid(line) {
			return nil, fmt.Errorf("line %d is not UTF-8: save the file as UTF-8 again, from where it came", n)
		}
	}
	return text, nil
}

// isUTF16 recognizes the mark of UTF-16 in either order, and text without it by its first
// character: letters of English have a zero byte beside them, and no text in UTF-8 has one. UTF-32 is recognized
// too, with its mark.
func isUTF16(data []byte) bool {
	if bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")) {
		return true
	}
	if len(data) < 2 {
		return false
	}
	first, second := data[0], data[1]
	switch {
	case first == 0xff && second == 0xfe, first == 0xfe && second == 0xff:
		return true
	}
	return (first == 0) != (second == 0)
}
