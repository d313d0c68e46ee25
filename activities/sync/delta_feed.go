package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/store"
)

// activityKinds are the types of activities that are read, with the collection they are about. The meanings are from
// public parsers of the feed and from captures; a type that a console does not know is left out.
var activityKinds = map[int]access.Collection{
	23: access.Users, 24: access.Users, 25: access.Users, 37: access.Users, // added, modified, deleted, roles changed
	67: access.Users, 145: access.Users, 146: access.Users, 147: access.Users, // second factor
	102: access.Users, 110: access.Users, 111: access.Users, // deleted by the system, token generation
	112: access.Users, 113: access.Users, 114: access.Users, // token generated, revoked
	140: access.ServiceUsers, 141: access.ServiceUsers, 142: access.ServiceUsers, // created, modified, deleted
	107: access.Roles, 108: access.Roles, roleDeleted: access.Roles,
	5020: access.Sites, 5021: access.Sites, siteDeleted: access.Sites, 5025: access.Sites, 5026: access.Sites,
	5040: access.Accounts, 5041: access.Accounts, accountDeleted: access.Accounts,
}

// Types whose activities change principals that they do not name.
const (
	roleDeleted    = 109
	siteDeleted    = 5022
	accountDeleted = 5042
)

// coreTypes are those without which the feed does not show who came, changed or went. Of two in a row, one is enough.
var coreTypes = [][]int{{23}, {24, 37}, {25}, {140}, {141}, {142}}

// activityTypes are the types to read on a console that knows some. why says which one it lacks without which the feed
// is of no use; "" if none.
func activityTypes(known []int) (types []int, why string) {
	for t := range activityKinds {
		if slices.Contains(known, t) {
			types = append(types, t)
		}
	}
	slices.Sort(types)
	for _, core := range coreTypes {
		if !slices.ContainsFunc(core, func(t int) bool { return slices.Contains(types, t) }) {
			return types, "the console's activity feed does not know activities of type " + typesText(core)
		}
	}
	return types, ""
}

// feedNews are the entries of the feed that no sync has seen.
type feedNews struct {
	entries   []console.Activity
	newest    time.Time // greatest time of any entry read that is not ahead of this clock; zero for none
	latest    time.Time // as of which an entry that is dated later is kept as seen
	whole     bool      // all pages were read
	needsFull string    // why they cannot be followed one by one; "" if they can
}

// readNews reads the feed from a while before the newest entry seen, and leaves out those that were seen.
func (s *Activities) readNews(ctx context.Context, feed store.Feed) (feedNews, error) {
	now := s.now()
	out := feedNews{newest: feed.Watermark, latest: now.Add(mostAhead)}
	var since time.Time
	if !feed.Watermark.IsZero() {
		since = feed.Watermark.Add(-feedOverlap)
	}
	seen, err := s.store.SeenActivities(ctx, s.console.Console(), since)
	if err != nil {
		return out, err
	}
	q := console.ActivityQuery{Types: feed.Types, Since: since, Limit: console.PageLimit}
	fresh := reader{now: now, since: since, seen: seen, taken: map[console.Activity]bool{}}
	for range mostFeedPages {
		page, err := s.console.Activities(ctx, q)
		if askFewer(&q, err) {
			continue
		}
		if err != nil {
			return out, err
		}
		fresh.take(page.Items, &out)
		if len(out.entries) > mostNews {
			return out, nil
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			out.whole = true
			return out, nil
		}
	}
	return out, nil
}

// askFewer lowers the limit of a query whose page was too large, and reports whether to ask again.
func askFewer(q *console.ActivityQuery, err error) bool {
	large, ok := errors.AsType[*console.PageTooLargeError](err)
	if !ok || q.Limit <= 1 {
		return false
	}
	q.Limit = large.Fitting(q.Limit)
	return true
}

// reader tells new entries of the feed from others.
type reader struct {
	now, since time.Time
	seen       map[string]bool // by earlier syncs, by seenKey
	taken      map[console.Activity]bool
}

// take adds the entries of a page that are new.
func (r *reader) take(page []console.Activity, to *feedNews) {
	for _, a := range page {
		if a.CreatedAt.After(to.newest) && !a.CreatedAt.After(r.now) {
			to.newest = a.CreatedAt
		}
		isOld := !a.CreatedAt.IsZero() && a.CreatedAt.Before(r.since) // such were not asked for
		if isOld || r.wasSeen(a) || r.taken[a] || activityKinds[a.Type] == "" {
			continue
		}
		r.taken[a] = true
		to.add(a)
	}
}

// wasSeen says that an earlier sync has seen an activity. One that has neither id nor time cannot be told from others.
func (r *reader) wasSeen(a console.Activity) bool {
	return (a.ID != "" || !a.CreatedAt.IsZero()) && r.seen[seenKey(a)]
}

// seenKey is what tells that an activity was seen; no two have the same. One of an id that was seen may name somebody
// else now. An id is a number on the consoles that are known: one that is not cannot be read as another id and user.
func seenKey(a console.Activity) string {
	if a.ID != "" && !strings.Contains(a.ID, "/") {
		return a.ID + "/" + a.UserID
	}
	return fmt.Sprintf("/%d/%s/%s/%d/%d", len(a.ID), a.ID, a.UserID, a.Type, a.CreatedAt.UnixMicro())
}

func (n *feedNews) add(a console.Activity) {
	n.entries = append(n.entries, a)
	switch a.Type {
	case roleDeleted:
		n.needsFull = "a role was deleted, and the activity feed does not name those who held it"
	case siteDeleted, accountDeleted:
		n.needsFull = "a site or account was deleted, and the activity feed does not name those who held roles there"
	}
}

func (n *feedNews) seen() []store.SeenActivity {
	out := make([]store.SeenActivity, len(n.entries))
	for i, a := range n.entries {
		out[i] = store.SeenActivity{ID: seenKey(a), At: a.CreatedAt}
		switch {
		case a.CreatedAt.IsZero(): // or it would be forgotten at once
			out[i].At = n.newest
		case a.CreatedAt.After(n.latest): // or it would never be forgotten
			out[i].At = n.latest
		}
	}
	return out
}

// mostAuthors bounds the authors that are kept of one change.
const mostAuthors = 5

func addAuthor(authors []string, name string) []string {
	if name == "" || slices.Contains(authors, name) || len(authors) == mostAuthors {
		return authors
	}
	return append(authors, name)
}
