package sync

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// entry is an activity as a console sends it; fields that are nil are left out.
type entry map[string]any

// forged is an entry of a type about somebody, as of now.
func forged(id string, kind any, who string) entry {
	return entry{
		"id": id, "activityType": kind, "userId": who, "data": entry{"byUser": "Carol Roy"},
		"createdAt": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
	}
}

// feedAttack is a console whose feed answers what the test says, page by page: anything in the place of what it holds.
type feedAttack struct {
	*deltaFixture

	middle *middle
}

func newFeedAttack(t *testing.T, o consoletest.Options) *feedAttack {
	t.Helper()
	a := &feedAttack{middle: &middle{}}
	a.deltaFixture = newDeltaFixture(t, o, behind(a.middle))
	return a
}

// answer has the feed answer with the entries, and with a cursor that depends on the one that was sent; "" ends it.
func (a *feedAttack) answer(next func(cursor string) string, entries ...entry) {
	a.t.Helper()
	rows, err := json.Marshal(append([]entry{}, entries...))
	require.NoError(a.t, err)
	a.middle.change = func(r *http.Request, body []byte) (int, []byte) {
		if !strings.HasSuffix(r.URL.Path, "/activities") {
			return 0, body
		}
		cursor, _ := json.Marshal(next(r.URL.Query().Get("cursor")))
		return http.StatusOK, fmt.Appendf(nil, `{"data":%s,"pagination":{"nextCursor":%s}}`, rows, cursor)
	}
}

func onePage(string) string { return "" }

// change gives somebody other roles by hand, and returns who it is.
func (a *feedAttack) change(n int) string {
	a.t.Helper()
	id := a.someone(access.User, n).ID
	require.NoError(a.t, a.console.SetUserRoles(id, access.SiteLevel, a.heldSomewhere()))
	return id
}

// Ids of other things, of other consoles, and texts that are no ids delete nobody, and hide nobody who is named beside
// them. A user whom an entry about service users names is found all the same.
func TestDelta_ForeignIDs(t *testing.T) {
	t.Parallel()
	a := newFeedAttack(t, consoletest.Options{})
	truth := a.console.Truth()
	service := a.someone(access.ServiceUser, 0).ID
	changed := a.change(0)
	a.answer(onePage,
		forged("900000000000000001", 25, truth.Sites[0].ID), forged("900000000000000002", 25, "999999999999999999"),
		forged("900000000000000003", 142, truth.Accounts[0].ID),
		forged("900000000000000004", 142, "888888888888888888"),
		forged("900000000000000005", 25, service),
		forged("900000000000000007", "141", changed),
	)
	require.Equal(t, "promoted", a.sure().State)
	a.requireTruth()

	changed = a.change(1)
	a.answer(onePage, forged("900000000000000008", 142, changed))
	require.Equal(t, "promoted", a.sure().State, "nobody else is named")
	a.requireTruth()

	for _, odd := range []string{"", "../users", "9; DROP", "-1", strings.Repeat("9", 101)} {
		a.answer(onePage, forged("900000000000000009", 25, odd))
		require.Contains(t, a.delta().Full, "without an id, and no such principal is known", odd)
	}
	a.answer(onePage, forged("900000000000000010", 25, "1"))
	require.Contains(t, a.delta().Full, "the console refused a part of the delta sync")
	a.requireTruth()
}

// Entries of odd times are followed, and hide none that come after them; none is kept for ever. One from before what
// was asked for was seen by an earlier sync.
func TestDelta_OddTimes(t *testing.T) {
	t.Parallel()
	a := newFeedAttack(t, consoletest.Options{})
	for i, at := range []string{
		"9999-12-31T23:59:59.999999Z", time.Now().Add(12 * time.Hour).UTC().Format(time.RFC3339), "", "yesterday",
	} {
		e := forged(fmt.Sprint(900000000000000000+i), 24, a.change(i))
		e["createdAt"] = at
		a.answer(onePage, e)
		require.Equal(t, "promoted", a.sure().State, at)
		a.requireTruth()
		a.console.ResetRequests()
		require.Equal(t, "unchanged", a.sure().State, at)
		require.Len(t, a.console.Requests(), 2, "%s: it was seen", at)
		require.False(t, a.feed().Watermark.After(time.Now()), at)
	}
	seen, err := a.store.SeenActivities(t.Context(), a.sync.console.Console(), time.Now().Add(25*time.Hour))
	require.NoError(t, err)
	require.Empty(t, seen)

	a.middle.change = nil
	a.change(5)
	require.Equal(t, "promoted", a.sure().State)
	a.requireTruth()

	e := forged("900000000000000009", 24, a.someone(access.User, 6).ID)
	e["createdAt"] = "1970-01-01T00:00:00Z"
	a.answer(onePage, e)
	a.console.ResetRequests()
	require.Equal(t, "unchanged", a.sure().State)
	require.Len(t, a.console.Requests(), 2)
}

// An entry that comes twice with other data, and ids that are no numbers, hide nobody.
func TestDelta_DoubledWithOtherData(t *testing.T) {
	t.Parallel()
	a := newFeedAttack(t, consoletest.Options{})
	a.answer(onePage, forged("900000000000000001", 24, a.change(0)), forged("900000000000000001", 24, a.change(1)))
	require.Equal(t, "promoted", a.sure().State)
	a.requireTruth()
	a.answer(onePage, forged("900000000000000001", 24, a.change(2)))
	require.Equal(t, "promoted", a.sure().State, "an id that was seen, about somebody else")
	a.requireTruth()
	a.answer(onePage, forged("no number", 24, a.change(3)), forged("no number", 24, a.change(4)))
	require.Equal(t, "promoted", a.sure().State)
	a.requireTruth()
}

// Floods cost a bounded number of requests, and end in a full sync.
func TestDelta_Floods(t *testing.T) {
	t.Parallel()
	somebody := func(n int) entry {
		e := forged(fmt.Sprint(900000000000000000+n), 24, "777777777777777777")
		e["data"] = entry{"email": fmt.Sprintf("nobody%d@example.com", n), "username": "Ana\x00"}
		return e
	}
	several := func(n, of int) (out []entry) {
		for i := range n {
			out = append(out, somebody(of*1000+i))
		}
		return out
	}
	for name, c := range map[string]struct {
		feed     func(a *feedAttack)
		says     string
		requests int // at most
	}{
		"one id with many names": {
			func(a *feedAttack) { a.answer(onePage, several(900, 0)...) },
			"names more than 100 principals", 210,
		},
		"endless": {
			func(a *feedAttack) { a.answer(func(cursor string) string { return cursor + "x" }, several(1, 0)...) },
			"more than 20 new pages", 30,
		},
		"cursors in turn": {
			func(a *feedAttack) {
				a.answer(func(cursor string) string { return map[bool]string{true: "b", false: "a"}[cursor == "a"] })
			},
			"more than 20 new pages", 30,
		},
		"entries": {
			func(a *feedAttack) {
				page := 0
				a.middle.change = func(r *http.Request, body []byte) (int, []byte) {
					if !strings.HasSuffix(r.URL.Path, "/activities") {
						return 0, body
					}
					page++
					rows, _ := json.Marshal(several(1000, page))
					return http.StatusOK, fmt.Appendf(nil, `{"data":%s,"pagination":{"nextCursor":"%d"}}`, rows, page)
				}
			},
			"more than 5000 new activities", 10,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newFeedAttack(t, consoletest.Options{})
			c.feed(a)
			require.Contains(t, a.delta().Full, c.says)
			require.LessOrEqual(t, len(a.console.Requests()), c.requests)
			a.requireTruth()
			require.Contains(t, []string{"promoted", "unchanged"}, a.full().State, "which works")
			a.requireTruth()
		})
	}
}

// Entries of a size that fills a page are read in smaller pages.
func TestDelta_LargeEntries(t *testing.T) {
	t.Parallel()
	a := newFeedAttack(t, consoletest.Options{})
	changed := a.change(0)
	a.middle.change = func(r *http.Request, body []byte) (int, []byte) {
		if !strings.HasSuffix(r.URL.Path, "/activities") {
			return 0, body
		}
		e := forged("900000000000000001", 24, changed)
		e["primaryDescription"] = strings.Repeat("x", 3<<20)
		row, _ := json.Marshal(e)
		rows := string(row)
		if limit := r.URL.Query().Get("limit"); limit == "1000" || limit == strconv.Itoa(newestRead) {
			rows = strings.Repeat(rows+",", 9) + rows
		}
		return 0, fmt.Appendf(nil, `{"data":[%s],"pagination":{"nextCursor":null}}`, rows)
	}
	require.Equal(t, "promoted", a.sure().State)
	a.requireTruth()
	a.full()
	require.Empty(t, a.delta().Full, "the newest entries, which a full sync reads, are large too")
}

// A feed that cannot be decoded for long does not stop delta syncs: they become full ones.
func TestDelta_OddFeed(t *testing.T) {
	t.Parallel()
	for name, feed := range map[string]func(a *feedAttack){
		"no id":          func(a *feedAttack) { a.answer(onePage, entry{"activityType": 24}) },
		"cursor repeats": func(a *feedAttack) { a.answer(func(string) string { return "again" }) },
		"entry of 64 MiB": func(a *feedAttack) {
			a.answer(onePage, entry{"id": "1", "primaryDescription": strings.Repeat("x", 64<<20)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newFeedAttack(t, consoletest.Options{})
			feed(a)
			in := wire.SyncDeltaInput{Snapshot: "odd"}
			_, err := execute[wire.SyncDeltaResult](a.syncFixture, wire.SyncDeltaActivity, in)
			require.ErrorContains(t, err, "no SentinelOne console sends")
			out, err := a.sync.Delta(attempt.Outside(t.Context(), attempt.Runtime{
				Logger: quiet{}, Metrics: client.MetricsNopHandler, Number: oddFeedAttempts,
			}), in)
			require.NoError(t, err)
			require.Contains(t, out.Full, "cannot be decoded")
		})
	}
}

// quiet logs nothing.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
