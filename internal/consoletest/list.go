package consoletest

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// collections maps the path of each list to its collection.
var collections = map[string]access.Collection{
	"/accounts":      access.Accounts,
	"/sites":         access.Sites,
	"/rbac/roles":    access.Roles,
	"/users":         access.Users,
	"/service-users": access.ServiceUsers,
}

// listing holds the parameters of one list and how its filters find their fields.
type listing struct {
	params map[string]param
	// fields maps a filter or sort name to the dotted path in the row's JSON where
	// the two differ; "" if the row has no such field: accepted without effect.
	fields map[string]string
	// special returns filters that compare the entity, not its JSON; nil for a name it does
	// not know.
	special func(c *Console, name string, q url.Values) func(entity any) bool
	// hides is a filter that always applies, or nil.
	hides func(c *Console, q url.Values) func(entity any) bool
}

// listPage responds to one list request.
//
//s1:operation GET /web/api/v2.1/accounts
//s1:operation GET /web/api/v2.1/sites
//s1:operation GET /web/api/v2.1/rbac/roles
//s1:operation GET /web/api/v2.1/users
//s1:operation GET /web/api/v2.1/service-users
func (c *Console) listPage(call *call) answer {
	l := listings[call.req.Collection]
	q := call.req.Query
	if a, ok := checkParams(l.params, q); !ok {
		return a
	}
	var at position
	ok := true
	if !c.opts.OffsetCursors {
		at, ok = parsePosition(q)
	}
	if !ok {
		return invalid("Invalid cursor value received")
	}
	if call.fault == EmptyPage {
		return envelope(call.req.Collection, nil, pagination{})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	matching := c.filter(l, c.shown(call.req.Collection), q)
	p := pagination{TotalItems: len(matching)}
	if q.Get("skipCount") == "true" {
		p.TotalItems = 0 // its value is not documented then; the field is still required
	}
	if q.Get("countOnly") == "true" {
		return envelope(call.req.Collection, nil, p)
	}
	var page []*record
	var next string
	if c.opts.OffsetCursors {
		page, next = c.cutAtOffset(matching, q)
	} else {
		page, next = c.cut(l, matching, at)
	}
	if next != "" || call.req.Collection == access.ServiceUsers {
		p.NextCursor = &next // the last page of service users was seen with "", not null
	}
	if c.crowd.held != nil && call.req.Collection == access.Users {
		return c.streamed(page, p)
	}
	rows := c.renderAll(page)
	if call.fault == Vanish && len(rows) > 0 {
		rows = slices.Delete(rows, len(rows)/2, len(rows)/2+1)
	}
	return envelope(call.req.Collection, flood(call.fault, rows, number(q.Get("limit"), 10)), p)
}

// envelope nests sites one level deeper, as real consoles do.
func envelope(name access.Collection, rows [][]byte, p pagination) answer {
	if name == access.Sites {
		total := strconv.Itoa(p.TotalItems * siteLicenses)
		half := strconv.Itoa(p.TotalItems * (siteLicenses / 2))
		prefix := `{"data":{"allSites":{"activeLicenses":` + half + `,"totalLicenses":` + total + `},"sites":[`
		return list(prefix, rows, `]}`, p)
	}
	return list(`{"data":[`, rows, `]`, p)
}

// position is the start of a page: after the row with that key and id.
type position struct {
	field string
	desc  bool
	limit int
	skip  int

	after bool // false on the first page
	key   string
	id    int64
}

func parsePosition(q url.Values) (position, bool) {
	p := position{
		field: orElse(q.Get("sortBy"), "id"), desc: q.Get("sortOrder") == "desc",
		limit: number(q.Get("limit"), 10), skip: number(q.Get("skip"), 0),
	}
	cursor := q.Get("cursor")
	if cursor == "" {
		return p, true
	}
	raw, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return p, false
	}
	// A cursor is valid only for the order it was made for.
	rest, ok := strings.CutPrefix(string(raw), p.order()+":")
	if !ok {
		return p, false
	}
	id, key, _ := strings.Cut(rest, ":")
	p.id, err = strconv.ParseInt(id, 10, 64)
	p.after, p.key = true, key
	return p, err == nil && p.id >= smallestID
}

func (p position) order() string {
	if p.desc {
		return p.field + ",desc"
	}
	return p.field
}

// cursor is opaque to clients: base64, like the vendor's example, which decodes to
// "agent_id:58029381". It names the last row of the page, so that rows added or deleted
// elsewhere do not shift the next page.
func (p position) cursor(id int64, key string) string {
	raw := p.order() + ":" + text(id)
	if p.field != "id" {
		raw += ":" + key
	}
	return base64.StdEncoding.EncodeToString([]byte(raw))
}

func number(s string, byDefault int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return byDefault
}

func (c *Console) renderAll(page []*record) [][]byte {
	var rows [][]byte
	for _, r := range page {
		rows = append(rows, c.render(r))
	}
	return rows
}

// cut returns a page of the rows and the cursor of the next one, "" at the end.
func (c *Console) cut(l listing, matching []*record, at position) (page []*record, next string) {
	if at.field == "id" && !at.desc {
		page, more := window(matching, at)
		if more {
			next = at.cursor(page[len(page)-1].id, "")
		}
		return page, next
	}
	keyed := c.sorted(l, matching, at)
	if at.after {
		keyed = keyed[beyond(keyed, at):]
	}
	keyed = keyed[min(at.skip, len(keyed)):]
	first := keyed[:min(at.limit, len(keyed))]
	if len(keyed) > len(first) {
		last := first[len(first)-1]
		next = at.cursor(last.record.id, last.key)
	}
	for _, k := range first {
		page = append(page, k.record)
	}
	return page, next
}

// window returns a page of rows sorted by id, and whether more follow.
func window(matching []*record, at position) (page []*record, more bool) {
	start := 0
	if at.after {
		start, _ = (&table{records: matching}).search(at.id + 1)
	}
	rest := matching[start:]
	rest = rest[min(at.skip, len(rest)):]
	page = rest[:min(at.limit, len(rest))]
	return page, len(rest) > len(page)
}
