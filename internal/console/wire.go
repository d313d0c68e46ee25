package console

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The types of this file decode single values in all forms that consoles send, more than
// encoding/json accepts. Each accepts null.

// text is a string or a number, whose digits it keeps unchanged; "" for null.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(raw []byte) error {
	switch c := raw[0]; {
	case c == 'n':
		*t = ""
	case c == '"':
		*t = text(unquote(raw))
	case isNumber(c):
		*t = text(raw)
	default:
		return wrongType[text]()
	}
	return nil
}

// id is digits in a string or a whole number; "" for null. It is a string because ids are too
// large for a float64.
type id string

// UnmarshalJSON implements [json.Unmarshaler].
func (i *id) UnmarshalJSON(raw []byte) error {
	switch c := raw[0]; {
	case c == 'n':
		*i = ""
	case c == '"':
		*i = id(unquote(raw))
	case strings.Trim(string(raw), "0123456789") == "":
		*i = id(raw)
	default:
		return wrongType[id]()
	}
	return nil
}

// count is a count as a number or in a string, also with a fraction of zeros (580.0); nil for
// null and for any other text.
type count struct{ value *int }

// UnmarshalJSON implements [json.Unmarshaler].
func (c *count) UnmarshalJSON(raw []byte) error {
	c.value = nil
	written := string(raw)
	if raw[0] == '"' {
		written = unquote(raw)
	}
	whole, fraction, dot := strings.Cut(written, ".")
	if dot && (fraction == "" || strings.Trim(fraction, "0") != "") || strings.HasPrefix(whole, "+") {
		return nil
	}
	if n, err := strconv.Atoi(whole); err == nil && n >= 0 {
		c.value = &n
	}
	return nil
}

// stamp is a time: RFC 3339, with a fraction of any length or none (both verified, in one
// object). It is nil for null and for any other text: one invalid date must not make the whole
// page invalid.
type stamp struct{ value *time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (s *stamp) UnmarshalJSON(raw []byte) error {
	s.value = nil
	if raw[0] != '"' {
		return nil
	}
	if at, err := time.Parse(time.RFC3339Nano, unquote(raw)); err == nil {
		at = at.UTC()
		s.value = &at
	}
	return nil
}

func isNumber(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

// wrongType returns an error of the type to which encoding/json adds the path of the field.
func wrongType[T any]() error { return &json.UnmarshalTypeError{Type: reflect.TypeFor[T]()} }

// unquote decodes a JSON string that encoding/json has found valid. Nearly all have no escapes;
// to parse each of them a second time would cost more than the rest of the page.
func unquote(raw []byte) string {
	if plain := raw[1 : len(raw)-1]; bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return string(plain)
	}
	var resolved string
	if json.Unmarshal(raw, &resolved) != nil {
		return "" // impossible: encoding/json found it valid
	}
	return resolved
}
