package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxNesting is far deeper than any answer of the console, and keeps a hostile
// one from exhausting the stack.
const maxNesting = 200

var errCut = errors.New("it is cut short: the JSON ends in the middle")

// scanner reads one JSON text from front to back, without building what nobody
// asks for. A page holds a thousand rows of which a fifth is kept: encoding/json
// takes 8.7 ms for such a page of 1.1 MB, this 2.3 ms (BenchmarkPage),
// and the difference is time in which a sync has no request on its way.
//
// The first fault is kept in err, after which every method does nothing; callers
// look at it once, at the end. What it accepts, encoding/json accepts too, with
// the same meaning, but keys must match in case (FuzzScanner holds that).
type scanner struct {
	data  []byte
	pos   int
	depth int
	err   error
}

// fail keeps the first fault. It names a place, never content.
func (s *scanner) fail(format string, args ...any) {
	if s.err != nil {
		return
	}
	if s.pos >= len(s.data) {
		s.err = errCut
		return
	}
	s.err = fmt.Errorf("at byte %d: %s", s.pos, fmt.Sprintf(format, args...))
}

// peek skips white space and returns the next byte, 0 at the end or after a fault.
func (s *scanner) peek() byte {
	if s.err != nil {
		return 0
	}
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take consumes the byte if it comes next.
func (s *scanner) take(want byte) bool {
	if s.peek() != want || s.err != nil || s.pos >= len(s.data) {
		return false
	}
	s.pos++
	return true
}

// end is the fault of the whole text: the first one, or something after the value.
func (s *scanner) end() error {
	if s.peek(); s.err == nil && s.pos < len(s.data) {
		s.fail("something follows the end of the JSON")
	}
	return s.err
}

// null consumes a null if one comes next.
func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	return s.literal("null")
}

func (s *scanner) literal(word string) bool {
	for i := range len(word) {
		if s.pos >= len(s.data) || s.data[s.pos] != word[i] {
			s.fail("there is no JSON value")
			return false
		}
		s.pos++
	}
	return true
}

// object calls field for every key; field must consume the value. It returns
// false for null.
func (s *scanner) object(field func(key []byte)) bool {
	if s.null() {
		return false
	}
	if !s.enter('{', "an object") {
		return false
	}
	for more := !s.take('}'); more && s.err == nil; {
		key, escaped := s.quoted()
		if escaped {
			key = []byte(unquote(key))
		}
		if !s.take(':') {
			s.fail("a colon is missing")
		}
		if s.err == nil {
			field(key)
		}
		more = s.another('}')
	}
	s.depth--
	return s.err == nil
}

// array calls element before every element; element must consume it. It returns
// false for null.
func (s *scanner) array(element func()) bool {
	if s.null() {
		return false
	}
	if !s.enter('[', "a list") {
		return false
	}
	for more := !s.take(']'); more && s.err == nil; {
		element()
		more = s.another(']')
	}
	s.depth--
	return s.err == nil
}

func (s *scanner) enter(opening byte, what string) bool {
	if !s.take(opening) {
		s.fail("%s is wanted here", what)
		return false
	}
	if s.depth++; s.depth > maxNesting {
		s.fail("it is nested too deep")
	}
	return s.err == nil
}

func (s *scanner) another(closing byte) bool {
	switch {
	case s.take(','):
		return true
	case s.take(closing):
		return false
	}
	s.fail("a comma or a closing bracket is missing")
	return false
}

// skip consumes any value.
func (s *scanner) skip() {
	switch c := s.peek(); {
	case s.err != nil:
	case c == '{':
		s.object(func([]byte) { s.skip() })
	case c == '[':
		s.array(s.skip)
	case c == '"':
		s.quoted()
	case c == 't':
		s.literal("true")
	case c == 'f':
		s.literal("false")
	case c == 'n':
		s.literal("null")
	default:
		s.number()
	}
}

// quoted consumes a string and returns what is between the quotes, and whether
// it must go through unquote.
func (s *scanner) quoted() (raw []byte, escaped bool) {
	if !s.take('"') {
		s.fail("a string is wanted here")
		return nil, false
	}
	start, wide := s.pos, byte(0)
	for s.pos < len(s.data) {
		plain := s.data[s.pos:]
		n := 0
		for n < len(plain) && plain[n] >= ' ' && plain[n] != '"' && plain[n] != '\\' {
			wide |= plain[n]
			n++
		}
		s.pos += n
		switch {
		case n == len(plain):
		case plain[n] == '"':
			raw = s.data[start:s.pos]
			s.pos++
			return raw, escaped || wide >= utf8.RuneSelf && !utf8.Valid(raw)
		case plain[n] == '\\':
			escaped = true
			if !s.escape() {
				return nil, false
			}
		default:
			s.fail("a control character stands in a string")
			return nil, false
		}
	}
	s.fail("the string has no end")
	return nil, false
}

// escape consumes a backslash and what belongs to it.
func (s *scanner) escape() bool {
	s.pos++
	digits := 0
	if s.pos < len(s.data) {
		switch s.data[s.pos] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			s.pos++
			return true
		case 'u':
			s.pos++
			for digits < 4 && s.pos < len(s.data) && isHex(s.data[s.pos]) {
				s.pos++
				digits++
			}
		}
	}
	if digits != 4 {
		s.fail("an escape in a string is not one of JSON")
	}
	return digits == 4
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// unquote resolves escapes and replaces what is not UTF-8. It is rarely needed,
// so the standard library may do it.
func unquote(raw []byte) string {
	var text string
	quoted := append(append([]byte{'"'}, raw...), '"')
	if json.Unmarshal(quoted, &text) != nil {
		return "" // cannot happen: quoted() has checked every escape
	}
	return text
}
