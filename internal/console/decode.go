package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// The rows of this package have fields only for what is used, so that a secret in a response is
// ignored. encoding/json matches keys without regard to case; no two fields of one object
// differ only in case (verified: the vendor's API description). If a key occurs twice in one
// object, encoding/json may mix both values; that consoles never send this is inferred.

// answer is the response to a list; D is a list of rows or an object that holds one.
type answer[D any] struct {
	envelope

	Data D `json:"data"`
}

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

// decodePage reads {"data":[…],"pagination":{…}}.
func decodePage[R row[T], T access.Entity](body []byte) (Page[T], error) {
	var a answer[[]R]
	if err := decode(body, &a); err != nil {
		return Page[T]{}, err
	}
	return toPage[T](a.envelope, a.Data, errNoData)
}

// toPage makes a page of rows. Rows are nil when the response had none, which is the error
// missing: a list that is absent must not look like an empty one. A response without
// pagination is an error too. So is a row without an id: to leave it out would look as if it
// were deleted.
func toPage[T access.Entity, R row[T]](e envelope, rows []R, missing error) (Page[T], error) {
	switch {
	case e.faulty():
		return Page[T]{}, errWithErrors
	case rows == nil:
		return Page[T]{}, missing
	case e.Pagination == nil:
		return Page[T]{}, errors.New("the response has no pagination, so it is unknown whether more pages follow")
	}
	page := Page[T]{
		Items: make([]T, 0, len(rows)),
		Next:  string(e.Pagination.NextCursor),
		Total: e.Pagination.TotalItems.value,
	}
	for _, r := range rows {
		item, unassigned := r.item()
		if item.Key() == "" {
			return Page[T]{}, errNoID
		}
		page.Items = append(page.Items, item)
		page.Unassigned += unassigned
	}
	return page, nil
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
		if wrong.Field == "" {
			return errors.New(expectation(wrong.Type))
		}
		// Field consists of the names in our tags, never of keys in the response.
		return fmt.Errorf("at %s: %s", embedded.Replace(wrong.Field), expectation(wrong.Type))
	}
	return syntaxFault(body)
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
		return fmt.Errorf("at byte %d: there is something after the end of the JSON", d.InputOffset())
	case !located: // io.EOF or io.ErrUnexpectedEOF
		return errCut
	}
	return fmt.Errorf("at byte %d: this is not JSON", wrong.Offset-1) // Offset includes the byte that failed
}
