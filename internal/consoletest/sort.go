package consoletest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// keyed is a row with its sort key.
type keyed struct {
	record *record
	key    string
}

// sorted orders rows by any field. Rows are in ascending order of ids already, so that order does
// not need it. It decodes every row's JSON, which is slow for 100,000 rows.
func (c *Console) sorted(l listing, rows []*record, at position) []keyed {
	out := make([]keyed, len(rows))
	for i, r := range rows {
		out[i] = keyed{record: r}
		if at.field != "id" {
			out[i].key = sortKey(field(c.decode(r), l.path(at.field)))
		}
	}
	slices.SortFunc(out, func(a, b keyed) int { return at.compare(a, b.key, b.record.id) })
	return out
}

func (p position) compare(a keyed, key string, id int64) int {
	order := cmp.Or(cmp.Compare(a.key, key), cmp.Compare(a.record.id, id))
	if p.desc {
		return -order
	}
	return order
}

// beyond returns the index of the first row after the position.
func beyond(rows []keyed, at position) int {
	i, found := slices.BinarySearchFunc(rows, at, func(k keyed, at position) int {
		return at.compare(k, at.key, at.id)
	})
	if found {
		return i + 1
	}
	return i
}

func (c *Console) decode(r *record) map[string]any {
	var row map[string]any
	if err := json.Unmarshal(c.render(r), &row); err != nil {
		bug(err)
	}
	return row
}

// path returns where the value of a filter or sort name is in the row's JSON.
func (l listing) path(name string) string {
	if p, ok := l.fields[name]; ok {
		return p
	}
	return name
}

// field follows a dotted path; of a list it takes the first element.
func field(row map[string]any, path string) any {
	var at any = row
	for step := range strings.SplitSeq(path, ".") {
		if items, ok := at.([]any); ok && len(items) > 0 {
			at = items[0]
		}
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[step]
	}
	return at
}

// sortKey makes values comparable as text; null comes first.
func sortKey(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return fmt.Sprintf("%020.0f", v)
	case string:
		return strings.ToLower(v)
	default:
		return fmt.Sprint(v)
	}
}
