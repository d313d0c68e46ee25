package console

import (
	"strconv"
	"strings"
	"time"
)

// number consumes a number and returns its text.
func (s *scanner) number() []byte {
	s.peek()
	start := s.pos
	s.takeRaw('-')
	if !s.takeRaw('0') && s.digits() == 0 {
		s.fail("there is no JSON value")
	}
	if s.takeRaw('.') && s.digits() == 0 {
		s.fail("a number ends in a point")
	}
	if s.takeRaw('e') || s.takeRaw('E') {
		if !s.takeRaw('+') {
			s.takeRaw('-')
		}
		if s.digits() == 0 {
			s.fail("a number has no exponent")
		}
	}
	if s.err != nil {
		return nil
	}
	return s.data[start:s.pos]
}

// takeRaw is take without skipping white space.
func (s *scanner) takeRaw(want byte) bool {
	if s.err != nil || s.pos >= len(s.data) || s.data[s.pos] != want {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) digits() int {
	start := s.pos
	for s.err == nil && s.pos < len(s.data) && '0' <= s.data[s.pos] && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// text consumes a string or a number, of which it keeps the digits as they are;
// "" for null.
func (s *scanner) text() string {
	switch c := s.peek(); {
	case s.err != nil || c == 'n' && s.null():
		return ""
	case c == '"':
		raw, escaped := s.quoted()
		if escaped {
			return unquote(raw)
		}
		return string(raw)
	case c == '-' || '0' <= c && c <= '9':
		return string(s.number())
	}
	s.fail("a text is wanted here")
	return ""
}

// id consumes an id, which is digits in a string or a whole number; "" for null.
// It is kept digit by digit: ids are too large for a float64.
func (s *scanner) id() string {
	numeric := s.peek() != '"'
	id := s.text()
	if numeric && strings.Trim(id, "0123456789") != "" {
		s.fail("an id is not a whole number")
		return ""
	}
	return id
}

// flag consumes true or false; null is false.
func (s *scanner) flag() bool {
	switch s.peek() {
	case 't':
		return s.literal("true")
	case 'f':
		s.literal("false")
		return false
	case 'n':
		s.null()
		return false
	}
	s.fail("true or false is wanted here")
	return false
}

// count consumes a number of things; nil for null and for what counts nothing.
func (s *scanner) count() *int {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		s.skip()
		return nil
	}
	n, err := strconv.Atoi(string(s.number()))
	if err != nil || n < 0 || s.err != nil {
		return nil
	}
	return &n
}

// stamp consumes a time: RFC 3339, with a fraction of any length or none (both
// verified, in one object). Null and anything that is no time give nil: one odd
// date in one row is no reason to know nothing about the others.
func (s *scanner) stamp() *time.Time {
	if s.peek() != '"' {
		s.skip()
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s.text())
	if err != nil || s.err != nil {
		return nil
	}
	at = at.UTC()
	return &at
}
