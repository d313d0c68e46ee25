package consoletest

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// The types of activities that the simulator writes, with the meaning that the project's fact sheet gives them.
const (
	activityUserAdded        = 23
	activityUserModified     = 24
	activityUserDeleted      = 25
	activityUserRolesChanged = 37
	activityRoleCreated      = 107
	activityRoleDeleted      = 109
	activityServiceCreated   = 140
	activityServiceModified  = 141
	activityServiceDeleted   = 142
	activitySiteCreated      = 5020
	activitySiteDeleted      = 5022
	activityAccountCreated   = 5040
)

// activityTypes are the types that the console knows, besides those of Feed.MissingTypes.
var activityTypes = []int{
	23, 24, 25, 27, 33, 37, 42, 67, 88, 102, 107, 108, 109, 110, 111, 112, 113, 114, 129, 133, 134, 139, 140, 141, 142,
	145, 146, 147, 3626, 3628, 3629, 3710, 3711, 3715, 5006, 5008, 5011, 5012, 5020, 5021, 5022, 5024, 5025, 5026,
	5027, 5040, 5041, 5042, 5044,
}

// keepActivities is the most entries of the feed, so that a console can run for days.
const keepActivities = 100_000

// activity is one entry of the feed.
type activity struct {
	id      int64
	kind    int
	created stamp
	userID  int64 // the principal it is about; 0 for none
	by      string
	name    string
	email   string
	visible int // number of entries that must have been written before this one shows
}

// feed is the activity feed of a console.
type feed struct {
	entries []activity // in the order of creation
	written int        // entries written so far, lost ones included
	edits   int        // edits that were recorded
	clock   stamp      // of the latest entry
	rules   Feed
}

// record writes the entries of one edit, as the feed's oddities have it. The entries of one edit are 9 ms apart.
func (c *Console) record(p *principal, by string, types ...int) {
	f := &c.feed
	f.edits++
	f.clock = max(f.clock, c.clock) + 1_000_000
	if f.rules.LoseEvery > 0 && f.edits%f.rules.LoseEvery == 0 {
		f.written += len(types)
		return
	}
	for i, kind := range types {
		f.written++
		if slices.Contains(f.rules.MissingTypes, kind) {
			continue
		}
		created := f.clock + stamp(i)*9000
		a := activity{
			id: activityID(created, f.written), kind: kind, created: created, by: c.actor(by), visible: f.written,
		}
		if p != nil {
			a.userID, a.name, a.email = p.id, p.name, p.email
		}
		if f.rules.LateEvery > 0 && f.edits%f.rules.LateEvery == 0 {
			a.visible += f.rules.LateBy
		}
		f.entries = append(f.entries, a)
		if f.rules.DoubleEvery > 0 && f.edits%f.rules.DoubleEvery == 0 {
			f.written++
			a.id = activityID(created, f.written)
			f.entries = append(f.entries, a)
		}
	}
	if len(f.entries) > keepActivities {
		f.entries = slices.Delete(f.entries, 0, keepActivities/2)
	}
}

// activityID has the time of creation in its upper bits, as on real consoles: id >> 23 is milliseconds since 2017.
func activityID(at stamp, n int) int64 {
	since := at.utc().Sub(time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)).Milliseconds()
	return since<<23 | int64(n)&(1<<23-1)
}

// actor is the name in an entry: of the owner of the token for a write through the API.
func (c *Console) actor(by string) string {
	if by == ByAPI {
		if p := c.own(); p != nil {
			return p.name
		}
	}
	return "Carol Roy"
}

// recordChange writes the entries about a principal that was created (before is nil), changed, or deleted (after is
// nil).
// A service user that moves to another level is deleted and created again with the same id; a user's edit makes two
// entries. Both were seen in captures.
func (c *Console) recordChange(by string, before, after *principal) {
	p := after
	if p == nil {
		p = before
	}
	user := p.kind == access.User
	switch {
	case before == nil && user:
		c.record(p, by, activityUserAdded)
	case before == nil:
		c.record(p, by, activityServiceCreated)
	case after == nil && user:
		c.record(p, by, activityUserDeleted)
	case after == nil:
		c.record(p, by, activityServiceDeleted)
	case user:
		c.record(p, by, activityUserModified, activityUserRolesChanged)
	case before.level != after.level:
		c.record(p, by, activityServiceDeleted, activityServiceCreated)
	default:
		c.record(p, by, activityServiceModified)
	}
}

// activityParams are the query parameters of the vendor's description.
var activityParams = params(map[string]param{
	"accountIds":    idList(500),
	"activityTypes": listOf(5000, checkNumber),
	"activityUuids": words(),
	"agentIds":      idList(5000),
	"alertIds":      idList(5000),
	"groupIds":      idList(500),
	"ids":           idList(5000),
	"includeHidden": flag(),
	"ruleIds":       idList(5000),
	"siteIds":       idList(500),
	"sortBy":        oneOf("id", "activityType", "createdAt"),
	"threatIds":     idList(5000),
	"userEmails":    words(),
	"userIds":       idList(5000),
}, "createdAt")

func checkNumber(v string) string {
	if _, err := strconv.Atoi(v); err != nil {
		return "Not a valid integer."
	}
	return ""
}

// listActivities responds with a page of the feed. An unknown type draws 400, since the vendor's types are an enum.
//
//s1:operation GET /web/api/v2.1/activities
func (c *Console) listActivities(call *call) answer {
	q := call.req.Query
	if a, ok := checkParams(activityParams, q); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.Has("activityTypes") {
		known := c.knownTypes()
		for i, t := range strings.Split(q.Get("activityTypes"), ",") {
			if n, _ := strconv.Atoi(t); !slices.Contains(known, n) {
				return invalid("activityTypes: %d: Not a valid choice.", i)
			}
		}
	}
	found := c.feed.matching(q)
	limit, skip := number(q.Get("limit"), 10), number(q.Get("skip"), 0)
	if cursor := q.Get("cursor"); cursor != "" {
		after, ok := activityCursor(cursor, q)
		if !ok {
			return invalid("Invalid cursor value received")
		}
		at := slices.IndexFunc(found, func(a activity) bool { return a.id == after })
		if at < 0 {
			return invalid("Invalid cursor value received")
		}
		skip = at + 1
	}
	p := pagination{TotalItems: len(found)}
	if most := c.feed.rules.CountCap; most > 0 {
		p.TotalItems = min(p.TotalItems, most)
	}
	if q.Get("countOnly") == "true" {
		return list(`{"data":[`, nil, `]`, p)
	}
	rest := found[min(skip, len(found)):]
	page := rest[:min(limit, len(rest))]
	if len(rest) > len(page) {
		p.NextCursor = new(base64.StdEncoding.EncodeToString(
			[]byte("activity," + q.Get("sortBy") + q.Get("sortOrder") + ":" + text(page[len(page)-1].id))))
	}
	rows := make([][]byte, len(page))
	for i, a := range page {
		rows[i] = mustJSON(c.activityView(a))
	}
	return list(`{"data":[`, rows, `]`, p)
}

func activityCursor(cursor string, q url.Values) (after int64, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(cursor)
	rest, found := strings.CutPrefix(string(raw), "activity,"+q.Get("sortBy")+q.Get("sortOrder")+":")
	after, bad := strconv.ParseInt(rest, 10, 64)
	return after, err == nil && found && bad == nil
}

// matching returns the entries that show, and match the filters, in the order that the query asks for.
func (f *feed) matching(q url.Values) []activity {
	types, users, ids := idSet(q.Get("activityTypes")), idSet(q.Get("userIds")), idSet(q.Get("ids"))
	var tests []func(activity) bool
	for _, op := range []string{"gt", "gte", "lt", "lte", "between"} {
		if want := q.Get("createdAt__" + op); want != "" {
			match := momentComparison(op, want)
			tests = append(tests, func(a activity) bool { return match(*a.created.micros()) })
		}
	}
	var out []activity
	for _, a := range f.entries {
		if a.visible > f.written || len(types) > 0 && !types[int64(a.kind)] ||
			len(users) > 0 && !users[a.userID] || len(ids) > 0 && !ids[a.id] ||
			slices.ContainsFunc(tests, func(test func(activity) bool) bool { return !test(a) }) {
			continue
		}
		out = append(out, a)
	}
	desc := q.Get("sortOrder") == "desc"
	slices.SortStableFunc(out, func(a, b activity) int {
		var order int
		switch q.Get("sortBy") {
		case "createdAt":
			order = cmp.Compare(a.created, b.created)
		case "activityType":
			order = cmp.Compare(a.kind, b.kind)
		}
		if order = cmp.Or(order, cmp.Compare(a.id, b.id)); desc {
			return -order
		}
		return order
	})
	return out
}

// listActivityTypes responds with the types that the console knows.
//
//s1:operation GET /web/api/v2.1/activities/types
func (c *Console) listActivityTypes(call *call) answer {
	if a, ok := checkParams(nil, call.req.Query); !ok {
		return a
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	type row struct {
		Action              string `json:"action"`
		DescriptionTemplate string `json:"descriptionTemplate"`
		ID                  int    `json:"id"`
	}
	rows := []row{}
	for _, t := range c.knownTypes() {
		rows = append(rows, row{"Activity " + strconv.Itoa(t), "Activity " + strconv.Itoa(t) + " of {{ username }}", t})
	}
	return answer{status: http.StatusOK, body: mustJSON(struct {
		Data []row `json:"data"`
	}{rows})}
}

func (c *Console) knownTypes() []int {
	return slices.DeleteFunc(slices.Clone(activityTypes), func(t int) bool {
		return slices.Contains(c.feed.rules.MissingTypes, t)
	})
}
