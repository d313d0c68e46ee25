package consoletest

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// smallestID is the smallest value of any id. For a smaller one the console responds
// `siteIds: 0: Must be greater than or equal to 100000000000000000.`
const smallestID = 100_000_000_000_000_000

// param checks one query parameter. check returns the text that follows the parameter's name in
// the error; "" means that the value is valid.
type param struct {
	check func(value string) string
	form  form
}

// form is how a filter compares its value.
type form int

const (
	asText form = iota
	asFlag
	asNumber
	asMoment
	asList
)

// params adds the paging parameters, and the five comparisons of each date.
func params(own map[string]param, dates ...string) map[string]param {
	maps.Copy(own, paging)
	for _, d := range dates {
		for _, op := range []string{"__lt", "__lte", "__gt", "__gte"} {
			own[d+op] = moment()
		}
		own[d+"__between"] = between()
	}
	return own
}

func word() param { return param{check: func(string) string { return "" }} }

func flag() param {
	return param{form: asFlag, check: func(v string) string {
		if _, err := strconv.ParseBool(v); err != nil {
			return "Not a valid boolean."
		}
		return ""
	}}
}

func whole() param {
	return param{form: asNumber, check: func(v string) string {
		if _, err := strconv.Atoi(v); err != nil {
			return "Not a valid integer."
		}
		return ""
	}}
}

func within(least, most int) param {
	return param{form: asNumber, check: func(v string) string {
		n, err := strconv.Atoi(v)
		switch {
		case err != nil:
			return "Not a valid integer."
		case n < least:
			return "Must be greater than or equal to " + strconv.Itoa(least) + "."
		case n > most:
			return "Must be less than or equal to " + strconv.Itoa(most) + "."
		}
		return ""
	}}
}

func moment() param {
	return param{form: asMoment, check: func(v string) string {
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return "Not a valid datetime."
		}
		return ""
	}}
}

// between is `<from>-<to>` in milliseconds since 1970, both included.
func between() param {
	return param{form: asMoment, check: func(v string) string {
		if _, _, ok := parseBetween(v); !ok {
			return "Must be two timestamps in milliseconds, with a hyphen between them."
		}
		return ""
	}}
}

func parseBetween(v string) (from, to time.Time, ok bool) {
	a, b, _ := strings.Cut(v, "-")
	fromMS, err1 := strconv.ParseInt(a, 10, 64)
	toMS, err2 := strconv.ParseInt(b, 10, 64)
	return time.UnixMilli(fromMS), time.UnixMilli(toMS), err1 == nil && err2 == nil
}

// email accepts something@something. The vendor's own pattern lists upper-case letters only, but
// is applied without regard to case.
func email() param {
	return param{check: func(v string) string {
		local, domain, ok := strings.Cut(v, "@")
		if !ok || local == "" || domain == "" || strings.ContainsAny(v, " <>") {
			return "Not a valid email address."
		}
		return ""
	}}
}

func oneOf(values ...string) param {
	return param{check: func(v string) string {
		if !slices.Contains(values, v) {
			return "Must be one of: " + strings.Join(values, ", ") + "."
		}
		return ""
	}}
}

func oneID() param { return param{check: checkID} }

func checkID(v string) string {
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return "Not a valid integer."
	}
	if n < smallestID {
		return "Must be greater than or equal to " + strconv.Itoa(smallestID) + "."
	}
	return ""
}

// listOf is a comma-separated list. An empty list is rejected: the vendor documents this for
// scope ids, and the simulator is as strict for the others.
func listOf(most int, item func(string) string) param {
	return param{form: asList, check: func(v string) string {
		items := strings.Split(v, ",")
		if v == "" || len(items) > most {
			return "Length must be between 1 and " + strconv.Itoa(most) + "."
		}
		for i, s := range items {
			if msg := item(s); msg != "" {
				return strconv.Itoa(i) + ": " + msg
			}
		}
		return ""
	}}
}

func idList(most int) param { return listOf(most, checkID) }

func words() param { return listOf(5000, func(string) string { return "" }) }

func anyOf(values ...string) param { return listOf(5000, oneOf(values...).check) }

func parts(most int) param {
	return listOf(most, func(v string) string {
		if len(v) < 2 {
			return "Shorter than minimum length 2."
		}
		return ""
	})
}

// checkParams returns the first error of a query, in the order of names, so that the response is
// always the same. An empty cursor counts as absent: a client was seen to send it for the
// first page in production.
func checkParams(known map[string]param, q url.Values) (answer, bool) {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		p, ok := known[name]
		if !ok {
			return invalid("%s: Unknown field", name), false
		}
		if len(q[name]) > 1 { // a list is one comma-separated parameter; a repeated parameter is not documented
			return invalid("%s: Given more than once.", name), false
		}
		if name == "cursor" {
			continue
		}
		if msg := p.check(q.Get(name)); msg != "" {
			return invalid("%s: %s", name, msg), false
		}
	}
	return answer{}, true
}
