package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// bounds are how much a decoder takes of the response to one request.
type bounds struct {
	rows int   // as many as were asked for
	row  int64 // bytes of one row, and of all that is not a row
	page int64 // bytes of the rows that one page may hold, see [maxPage]
}

const (
	// maxPage is the most that one page holds in memory, in bytes of its rows as they were sent and
	// heldWeight for each role. An ordinary page of 1,000 users has 1.5 MB; the store needs a
	// multiple of it while it saves and loads the page.
	maxPage = 16 << 20
	// heldWeight is what a role weighs beyond its text, which a console may keep very short.
	heldWeight = 64
	// readAhead is the most that a decoder reads beyond the value it decodes, in bytes.
	readAhead = 64 << 10
)

// ErrTooManyRows is the cause when a page has more rows than were asked for.
var ErrTooManyRows = errors.New("the page has more rows than were asked for")

// PageTooLargeError is the cause when the rows of a page take more memory than a page may. The
// rest of the page was not read: ask for fewer rows.
type PageTooLargeError struct {
	Rows  int   // that did fit; at least 1
	Limit int64 // bytes
}

// Error implements error.
func (e *PageTooLargeError) Error() string {
	return fmt.Sprintf("the page holds more than %d MiB, and %d of its rows are all that fit: ask for fewer rows",
		e.Limit>>20, e.Rows)
}

// Fitting halves limit until the rows of a page are no more than did fit; it is 1 at least.
func (e *PageTooLargeError) Fitting(limit int) int {
	for limit > max(e.Rows, 1) {
		limit /= 2
	}
	return max(limit, 1)
}

// overLimitError is the cause when a part of a response is larger than any that a console sends.
type overLimitError struct {
	what  string
	limit int64
}

func (e *overLimitError) Error() string {
	return fmt.Sprintf("%s is larger than %d bytes", e.what, e.limit)
}

// metered ends the input at a limit, wherever a value that is decoded ends.
type metered struct {
	from     io.Reader
	at, stop int64
}

var errStop = errors.New("the value is too large")

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	if m.at >= m.stop {
		return 0, errStop
	}
	n, err := m.from.Read(p[:min(int64(len(p)), m.stop-m.at)])
	m.at += int64(n)
	return n, err
}

// pageScan reads the response to a list value by value. Its memory is that of the largest
// value, whatever the size of the response.
type pageScan struct {
	envelope

	bounds bounds
	in     *metered
	json   *json.Decoder
	inRows int64 // bytes read so far that belong to rows
}

func newPageScan(in io.Reader, b bounds) *pageScan {
	m := &metered{from: in}
	return &pageScan{bounds: b, in: m, json: json.NewDecoder(m)}
}

// around runs step, which reads a part of the response that is not a row, within what is left for
// all such parts.
func (s *pageScan) around(step func() error) error {
	s.in.stop = s.inRows + s.bounds.row + readAhead
	err := step()
	if errors.Is(err, errStop) || err == nil && s.json.InputOffset()-s.inRows > s.bounds.row {
		return &overLimitError{"the response without its rows", s.bounds.row}
	}
	return err
}

// token reads one delimiter, or a scalar.
func (s *pageScan) token() (token json.Token, err error) {
	err = s.around(func() error {
		token, err = s.json.Token()
		return err
	})
	return token, err
}

// value decodes the next value; path is its place in the response, for errors.
func (s *pageScan) value(path string, into any) error {
	err := s.around(func() error { return s.json.Decode(into) })
	return s.placed(path, err)
}

// row decodes the next row of the list.
func (s *pageScan) row(path string, into any) (size int64, err error) {
	start := s.json.InputOffset()
	s.in.stop = start + s.bounds.row + readAhead
	err = s.json.Decode(into)
	size = s.json.InputOffset() - start
	if errors.Is(err, errStop) || err == nil && size > s.bounds.row {
		return 0, &overLimitError{"a row", s.bounds.row}
	}
	s.inRows += size
	return size, s.placed(path, err)
}

// skipped is a value that nobody needs.
type skipped struct{}

// UnmarshalJSON implements [json.Unmarshaler].
func (*skipped) UnmarshalJSON([]byte) error { return nil }

// members calls member with the key of each member of the object that comes next, so that it reads
// the value. A null counts as an object without members.
func (s *pageScan) members(path string, member func(key string) error) error {
	open, err := s.token()
	switch {
	case err != nil:
		return s.placed(path, err)
	case open == nil:
		return nil
	case open != json.Delim('{'):
		return errAt(path, "expected an object")
	}
	for s.json.More() {
		key, err := s.token()
		if err != nil {
			return s.placed(path, err)
		}
		if err := member(fmt.Sprint(key)); err != nil {
			return err
		}
	}
	_, err = s.token()
	return s.placed(path, err)
}

// list calls item for each row of the list that comes next, so that it reads the row. It returns
// false without a call if null comes instead.
func (s *pageScan) list(path string, item func() error) (bool, error) {
	open, err := s.token()
	switch {
	case err != nil:
		return false, s.placed(path, err)
	case open == nil:
		return false, nil
	case open != json.Delim('['):
		return false, errAt(path, "expected a list")
	}
	for rows := 0; s.json.More(); rows++ {
		if rows == s.bounds.rows {
			return false, fmt.Errorf("%w (%d)", ErrTooManyRows, s.bounds.rows)
		}
		if err := item(); err != nil {
			return false, err
		}
	}
	_, err = s.token()
	return true, s.placed(path, err)
}

// whole reads the response of a list: rows reads the value of data.
func (s *pageScan) whole(rows func() error) error {
	seen := false
	err := s.members("", func(key string) error {
		switch {
		case strings.EqualFold(key, "data"):
			if seen {
				return errors.New("the response has data twice")
			}
			seen = true
			return rows()
		case strings.EqualFold(key, "pagination"):
			return s.value("pagination", &s.Pagination)
		case strings.EqualFold(key, "errors"):
			return s.value("errors", &s.Errors)
		}
		return s.value("", &skipped{})
	})
	if err != nil {
		return err
	}
	end := s.json.InputOffset()
	if _, err := s.token(); !errors.Is(err, io.EOF) {
		if over, ok := errors.AsType[*overLimitError](err); ok {
			return over
		}
		return errAfterEnd(end)
	}
	return nil
}

// placed is decodeError of the response at path.
func (s *pageScan) placed(path string, err error) error {
	if err == nil {
		return nil
	}
	if over, ok := errors.AsType[*overLimitError](err); ok {
		return over
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return typeFault(path, wrong)
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); !ok { // io.EOF, io.ErrUnexpectedEOF or the connection's
		return errCut
	}
	// The decoder counts the bytes of values only, so its error does not tell the place.
	start := s.json.InputOffset()
	var first json.RawMessage
	wrong, ok := errors.AsType[*json.SyntaxError](json.NewDecoder(s.json.Buffered()).Decode(&first))
	if ok {
		start += wrong.Offset - 1 // Offset includes the byte that failed
	}
	return fmt.Errorf("at byte %d: this is not JSON", start)
}
