package consoletest

import (
	"cmp"
	"slices"
	"strconv"
)

// record is one row of a collection, with its JSON once it was rendered. The bytes are replaced
// and never changed, so that a response that is being written keeps its version while the
// console is edited.
type record struct {
	id     int64
	entity any // *account, *site, *role or *principal
	json   []byte
}

// table is a collection sorted by id. All ids have 19 digits, so their numeric order is their
// text order.
type table struct {
	records []*record
}

func (t *table) search(id int64) (int, bool) {
	return slices.BinarySearchFunc(t.records, id, func(r *record, id int64) int { return cmp.Compare(r.id, id) })
}

func (t *table) get(id int64) *record {
	at, ok := t.search(id)
	if !ok {
		return nil
	}
	return t.records[at]
}

// add inserts a row in order. It returns false if the id is taken.
func (t *table) add(id int64, entity any) bool {
	at, taken := t.search(id)
	if taken {
		return false
	}
	t.records = slices.Insert(t.records, at, &record{id: id, entity: entity})
	return true
}

func (t *table) remove(id int64) bool {
	at, ok := t.search(id)
	if ok {
		t.records = slices.Delete(t.records, at, at+1)
	}
	return ok
}

// find returns the entity with an id given as text, or nil.
func find[T any](t *table, id string) *T {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	r := t.get(n)
	if r == nil {
		return nil
	}
	return r.entity.(*T)
}

// each calls fn with every entity in the order of ids.
func each[T any](t *table, fn func(*T)) {
	for _, r := range t.records {
		fn(r.entity.(*T))
	}
}
