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

// The rows of this package have a field for what is kept and no other, so that a
// secret which an answer carries is passed over. encoding/json takes a key in any
// case; no two fields of one object differ in case alone (verified: the vendor's
// API description). Of a key that stands twice in one object it may mix the two
// values; that consoles send none is inferred.

// answer is what a console says to a list; D is a list of rows or holds one.
type answer[D any] struct {
	envelope

	Data D `json:"data"`
}

// envelope is what every list has around its rows.
type envelope struct {
	Pagination *pagination     `json:"pagination"`
	Errors     json.RawMessage `json:"errors"`
}

// pagination: the end of the list is a null, an empty or an absent nextCursor; the
// first two were seen.
type pagination struct {
	NextCursor text  `json:"nextCursor"`
	TotalItems count `json:"totalItems"`
}

// row is a row as the console sends it, and turns itself into what it stands for.
// unassigned counts for [Page.Unassigned].
type row[T any] interface {
	item() (item T, unassigned int)
}

var (
	errCut        = errors.New("it is cut short: the JSON ends in the middle")
	errNoData     = errors.New("it has no data")
	errNoSites    = errors.New("it has no data.sites")
	errNoID       = errors.New("a row has no id")
	errWithErrors = errors.New("it lists errors although its status says success")
)

// faulty says that errors is a list with something in it; null is normal.
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

// toPage makes a page of rows, which are nil when the answer had none; missing
// says so. Rows and pagination must both be there, or the answer proves nothing: a
// list that is merely missing must not look like an empty one. Nor may a row be
// left out, as if something were gone, because nothing can be attached to it.
func toPage[T access.Entity, R row[T]](e envelope, rows []R, missing error) (Page[T], error) {
	switch {
	case e.faulty():
		return Page[T]{}, errWithErrors
	case rows == nil:
		return Page[T]{}, missing
	case e.Pagination == nil:
		return Page[T]{}, errors.New("it has no pagination, so nothing says whether more follows")
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

// embedded takes out of a field's path what encoding/json puts there for embedded
// structs, which is no key.
var embedded = strings.NewReplacer("envelope.", "", "principalRow.", "")

// decode is json.Unmarshal with faults that name a place and never content: those
// of encoding/json quote the body, and so are not wrapped.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return errors.New(wanted(wrong.Type))
		}
		// Field is made of the names in our tags and never of keys that were sent.
		return fmt.Errorf("at %s: %s", embedded.Replace(wrong.Field), wanted(wrong.Type))
	}
	return syntaxFault(body)
}

func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[id]():
		return "an id is not a whole number"
	case t.Kind() == reflect.Struct:
		return "an object is wanted"
	case t.Kind() == reflect.Slice:
		return "a list is wanted"
	case t.Kind() == reflect.Bool:
		return "true or false is wanted"
	}
	return "a text is wanted"
}

// syntaxFault tells an answer that broke off from one that goes on too long and
// from what never was JSON.
func syntaxFault(body []byte) error {
	var first json.RawMessage
	d := json.NewDecoder(bytes.NewReader(body))
	wrong, located := errors.AsType[*json.SyntaxError](d.Decode(&first))
	switch {
	case first != nil:
		return fmt.Errorf("at byte %d: something follows the end of the JSON", d.InputOffset())
	case !located: // io.EOF or io.ErrUnexpectedEOF
		return errCut
	}
	return fmt.Errorf("at byte %d: it is not JSON", wrong.Offset-1) // it counts the byte it fails at
}
