package describe

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// Labels tells apart things of one name within one table: roles repeat across scopes,
// sites across accounts, and two service users may share a name. A name that stands for
// several ids is shown with the id; names that look the same count as one name. It takes 16
// bytes for each pair of a name and an id, so that a table may name a million people.
type Labels struct{ columns map[string]*namesOfColumn }

// namesOfColumn are the names and ids in one column, as hashes: two different ones are taken
// for the same once in some hundred billion tables of a million names.
type namesOfColumn struct {
	pairs     []nameAndID
	compacted int // so many pairs are sorted and distinct
	repeated  map[uint64]bool
}

type nameAndID struct{ name, id uint64 }

// Add notes a thing that the table will show in that column.
func (l *Labels) Add(column, called, id string) {
	if l.columns == nil {
		l.columns = map[string]*namesOfColumn{}
	}
	c := l.columns[column]
	if c == nil {
		c = &namesOfColumn{}
		l.columns[column] = c
	}
	c.add(nameAndID{hashOf(name(called)), hashOf(id)})
}

// Label is the name, with the id where several things have that name, or the id of a thing
// without a name.
func (l *Labels) Label(column, called, id string) string {
	if called != "" && !l.columns[column].repeats(name(called)) {
		return name(called)
	}
	return Named(called, id)
}

func (c *namesOfColumn) add(p nameAndID) {
	if n := len(c.pairs); n > 0 && c.pairs[n-1] == p {
		return // rows of one principal stand together
	}
	c.pairs, c.repeated = append(c.pairs, p), nil
	if len(c.pairs) > 2*c.compacted+smallColumn {
		c.compact()
	}
}

// smallColumn is how many pairs are collected at least before they are sorted.
const smallColumn = 1 << 12

func (c *namesOfColumn) compact() {
	slices.SortFunc(c.pairs, func(a, b nameAndID) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
	c.pairs = slices.Compact(c.pairs)
	c.compacted = len(c.pairs)
}

// repeats says whether several things have a name.
func (c *namesOfColumn) repeats(called string) bool {
	if c == nil {
		return false
	}
	if c.repeated == nil {
		c.compact()
		c.repeated = map[uint64]bool{}
		for i := 1; i < len(c.pairs); i++ {
			if c.pairs[i].name == c.pairs[i-1].name {
				c.repeated[c.pairs[i].name] = true
			}
		}
	}
	return c.repeated[hashOf(called)]
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum64()
}
