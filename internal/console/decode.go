package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// The rows of this package have fields only for what is used, so that a secret in a response is
// ignored. encoding/json matches keys without regard to case; no two fields of one object
// differ only in case (verified: the vendor's API description). If a key occurs twice in one
// object, encoding/json may mix both values; that consoles never send this is inferred.

// envelope is what every list has around its rows.
type envelope struct {
	Pagination *pagination     `json:"pagination"`
	Errors     json.RawMessage `json:"errors"`
}

// pagination of a list. On the last page, nextCursor is null, empty or absent; the first two
// were seen.
type pagination struct {
	NextCursor text  `json:"nextCursor"`
	TotalItems count `json:"totalItems"`
}

// maxCursor bounds a cursor, in bytes: it is stored, and sent in a URL. Those seen have 24.
const maxCursor = 4 << 10

// maxID bounds the id of a row, in bytes: real ones have 19.
const maxID = 100

// row is a row as the console sends it. item converts it to a type of internal/access, and
// counts the entries for [Page.Unassigned].
type row[T any] interface {
	item() (item T, unassigned int)
}

var (
	errCut        = errors.New("the JSON is cut short")
	errNoData     = errors.New("the response has no data")
	errNoSites    = errors.New("the response has no data.sites")
	errNoID       = errors.New("a row has no id")
	errWithErrors = errors.New("the response lists errors although its status means success")
)

// faulty reports whether errors is a list that is not empty; null is normal.
func (e envelope) faulty() bool {
	var some []json.RawMessage
	return json.Unmarshal(e.Errors, &some) == nil && len(some) > 0
}

// pageDecoder reads the page that a response is, within bounds.
type pageDecoder[T any] func(in io.Reader, b bounds) (Page[T], error)

// decodePage reads {"data":[…],"pagination":{…}}.
func decodePage[R row[T], T access.Entity](in io.Reader, b bounds) (Page[T], error) {
	s := newPageScan(in, b)
	var rows *pageRows[R, T]
	err := s.whole(func() (err error) {
		rows, err = readRows[R](s, "data")
		return err
	})
	if err != nil {
		return Page[T]{}, err
	}
	return rows.page(s.envelope, errNoData)
}

// pageRows are the rows of a page, in the types of internal/access.
type pageRows[R row[T], T access.Entity] struct {
	items      []T
	unassigned int
	weight     int64
}

// readRows reads the rows of a list; nil if it is null. A row without an id is an error: to leave
// it out would look as if it were deleted.
func readRows[R row[T], T access.Entity](s *pageScan, path string) (*pageRows[R, T], error) {
	var (
		rows = &pageRows[R, T]{items: []T{}}
		read R
	)
	there, err := s.list(path, func() error {
		read = *new(R)
		size, err := s.row(path, &read)
		if err != nil {
			return err
		}
		return rows.add(read, size, s.bounds.page)
	})
	if err != nil || !there {
		return nil, err
	}
	return rows, nil
}

func (p *pageRows[R, T]) add(r R, size, limit int64) error {
	item, unassigned := r.item()
	switch key := item.Key(); {
	case key == "":
		return errNoID
	case len(key) > maxID:
		return &overLimitError{"the id of a row", maxID}
	}
	p.weight += size
	if principal, ok := any(item).(access.Principal); ok {
		p.weight += heldWeight * int64(len(principal.Held))
	}
	if p.weight > limit && len(p.items) > 0 {
		return &PageTooLargeError{Rows: len(p.items), Limit: limit}
	}
	p.items = append(p.items, item)
	p.unassigned += unassigned
	return nil
}

// page makes a page of the rows. Rows are nil when the response had none, which is the error
// missing: a list that is absent must not look like an empty one. A response without
// pagination is an error too.
func (p *pageRows[R, T]) page(e envelope, missing error) (Page[T], error) {
	switch {
	case e.faulty():
		return Page[T]{}, errWithErrors
	case p == nil:
		return Page[T]{}, missing
	case e.Pagination == nil:
		return Page[T]{}, errors.New("the response has no pagination, so it is unknown whether more pages follow")
	case len(e.Pagination.NextCursor) > maxCursor:
		return Page[T]{}, &overLimitError{"the next cursor", maxCursor}
	}
	return Page[T]{
		Items: p.items, Unassigned: p.unassigned,
		Next: string(e.Pagination.NextCursor), Total: e.Pagination.TotalItems.value,
	}, nil
}

// decodeData reads {"data":{…}}.
func decodeData[D any](body []byte) (D, error) {
	var a struct {
		Data *D `json:"data"`
	}
	if err := decode(body, &a); err != nil {
		return *new(D), err
	}
	if a.Data == nil {
		return *new(D), errNoData
	}
	return *a.Data, nil
}

// embedded removes from a field's path the names of embedded structs, which are not keys of the
// JSON.
var embedded = strings.NewReplacer("envelope.", "", "principalRow.", "")

// decode is json.Unmarshal with errors that name a place and never content. It does not wrap
// the errors of encoding/json, because they quote the body.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return typeFault("", wrong)
	}
	return syntaxFault(body)
}

// typeFault names the place of a value of the wrong type: path, and below it the names in our
// tags, never keys of the response.
func typeFault(path string, wrong *json.UnmarshalTypeError) error {
	place := embedded.Replace(wrong.Field)
	if path != "" && place != "" {
		place = "." + place
	}
	return errAt(path+place, expectation(wrong.Type))
}

func errAt(path, text string) error {
	if path == "" {
		return errors.New(text)
	}
	return fmt.Errorf("at %s: %s", path, text)
}

func errAfterEnd(offset int64) error {
	return fmt.Errorf("at byte %d: there is something after the end of the JSON", offset)
}

func expectation(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[id]():
		return "expected an id (a whole number)"
	case t.Kind() == reflect.Struct:
		return "expected an object"
	case t.Kind() == reflect.Slice:
		return "expected a list"
	case t.Kind() == reflect.Bool:
		return "expected true or false"
	}
	return "expected a text"
}

// syntaxFault distinguishes JSON that is cut short, JSON with something after its end, and a
// body that is not JSON.
func syntaxFault(body []byte) error {
	var first json.RawMessage
	d := json.NewDecoder(bytes.NewReader(body))
	wrong, located := errors.AsType[*json.SyntaxError](d.Decode(&first))
	switch {
	case first != nil:
		return errAfterEnd(d.InputOffset())
	case !located: // io.EOF or io.ErrUnexpectedEOF
		return errCut
	}
	return fmt.Errorf("at byte %d: this is not JSON", wrong.Offset-1) // Offset includes the byte that failed
}
