package consoletest

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter returns the rows that match, in the order of ids; without a filter, the table itself.
func (c *Console) filter(l listing, t *table, q url.Values) []*record {
	var tests []func(*record) bool
	if l.hides != nil {
		if hide := l.hides(c, q); hide != nil {
			tests = append(tests, func(r *record) bool { return !hide(r.entity) })
		}
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if _, ok := paging[name]; ok || name == "sortBy" {
			continue
		}
		if test := c.test(l, name, q); test != nil {
			tests = append(tests, test)
		}
	}
	if len(tests) == 0 {
		return t.records
	}
	var out []*record
	for _, r := range t.records {
		if passes(r, tests) {
			out = append(out, r)
		}
	}
	return out
}

func passes(r *record, tests []func(*record) bool) bool {
	for _, test := range tests {
		if !test(r) {
			return false
		}
	}
	return true
}

// test makes one filter: by id, by the entity, or by the field of the row's JSON.
func (c *Console) test(l listing, name string, q url.Values) func(*record) bool {
	if name == "ids" {
		ids := idSet(q.Get(name))
		return func(r *record) bool { return ids[r.id] }
	}
	if test := l.special(c, name, q); test != nil {
		return func(r *record) bool { return test(r.entity) }
	}
	base, op, _ := strings.Cut(name, "__")
	path := l.path(base)
	if path == "" {
		return nil
	}
	match := comparison(l.params[name].form, op, q.Get(name))
	return func(r *record) bool { return match(field(c.decode(r), path)) }
}

// comparison returns a test of a row's field against the requested value.
func comparison(f form, op, want string) func(any) bool {
	switch {
	case op == "contains":
		return func(v any) bool { return containsAny(v, strings.Split(want, ",")) }
	case f == asMoment:
		return momentComparison(op, want)
	case f == asFlag:
		yes, _ := strconv.ParseBool(want)
		return func(v any) bool { return v == yes }
	case f == asNumber:
		n, _ := strconv.ParseFloat(want, 64)
		return func(v any) bool { return v == n }
	case f == asList:
		return func(v any) bool { s, ok := v.(string); return ok && slices.Contains(strings.Split(want, ","), s) }
	default:
		return func(v any) bool { return v == want }
	}
}

func containsAny(v any, parts []string) bool {
	s, ok := v.(string)
	return ok && slices.ContainsFunc(parts, func(part string) bool { return containsFold(s, part) })
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

func momentComparison(op, want string) func(any) bool {
	from, to, ok := parseBetween(want)
	if !ok {
		from, _ = time.Parse(time.RFC3339, want)
	}
	return func(v any) bool {
		s, isText := v.(string)
		at, err := time.Parse(time.RFC3339, s)
		if !isText || err != nil {
			return false
		}
		switch op {
		case "lt":
			return at.Before(from)
		case "lte":
			return !at.After(from)
		case "gt":
			return at.After(from)
		case "gte":
			return !at.Before(from)
		case "between":
			return !at.Before(from) && !at.After(to)
		default:
			return at.Equal(from)
		}
	}
}

func idSet(csv string) map[int64]bool {
	set := map[int64]bool{}
	for id := range strings.SplitSeq(csv, ",") {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			set[n] = true
		}
	}
	return set
}
