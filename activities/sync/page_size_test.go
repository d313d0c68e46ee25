package sync

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// peakHeap samples the live heap, as each garbage collection found it, until the caller asks for
// the largest, in bytes.
func peakHeap() func() uint64 {
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		largest := uint64(0)
		for {
			metrics.Read(live)
			largest = max(largest, live[0].Value.Uint64())
			select {
			case <-stop:
				peak <- largest
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 { close(stop); return <-peak }
}

// A page of 1,000 users with a role at each of 1,555 sites has some 200 MB. It is synced in parts
// that fit, each of them asked for once the size is found.
//
//nolint:paralleltest // it measures memory
func TestSync_CrowdedPage(t *testing.T) {
	const (
		users, roles = 1000, 1555
		bound        = 100 << 20
	)
	b := newSyncFixture(t, consoletest.CrowdedPage())
	only := []access.Collection{access.Users}
	b.mustBegin(wire.SyncBeginInput{Snapshot: "s1", Collections: only, StartedAt: time.Now().UTC()})
	peak := peakHeap()
	env := b.env()
	env.SetTestTimeout(5 * time.Minute) // a million and a half rows to write
	got, err := attempttest.Execute[wire.SyncDrainResult](t, env, wire.SyncDrainActivity, wire.SyncDrainInput{
		Snapshot: "s1", Collection: access.Users, Attempt: 1, Expected: new(users),
	})
	require.NoError(t, err)
	require.Empty(t, got.Doubt)
	require.Equal(t, users, got.Rows)
	require.Equal(t, 31, got.Limit)                                 // 1000, 500, 250, 125, 62, 31
	require.Equal(t, 5+(users+got.Limit-1)/got.Limit, got.Requests) // each halving cost one
	settled := b.mustSettle(wire.SyncSettleInput{Snapshot: "s1", Collections: only})
	require.Equal(t, "promoted", settled.State)
	require.Equal(t, users*roles, settled.Counts["assignments"])
	require.Less(t, peak(), uint64(bound))
}

const mixedUsers = 70

// mixedConsole has 70 users, on pages of at most 40. Those after the first page have 5,000 roles
// each, of which 27 fit into a page. A cursor names the row to go on at, and the limit it was made
// for; refuse answers a request with another one.
type mixedConsole struct {
	refuse func(c *mixedConsole, w http.ResponseWriter, from, made int)
	light  bool     // all users have one role
	asked  []string // cursor and limit
}

func (c *mixedConsole) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cursor := r.URL.Query().Get("cursor")
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	c.asked = append(c.asked, fmt.Sprintf("%s by %d", cursor, limit))
	limit = min(limit, 40)
	from, made := 0, limit
	_, _ = fmt.Sscanf(cursor, "%d of %d", &from, &made) // not on the first page
	if made != limit && c.refuse != nil {
		c.refuse(c, w, from, made)
		return
	}
	c.page(w, from, limit)
}

func (c *mixedConsole) page(w http.ResponseWriter, from, limit int) {
	const users, roles = mixedUsers, 5000
	entries := make([]string, roles)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"id":"15353344145850%05d","roleId":"1407838462433820674"}`, i)
	}
	many := strings.Join(entries, ",")
	_, _ = fmt.Fprint(w, `{"data":[`) // writing fails where the client has read enough
	for i := from; i < min(from+limit, users); i++ {
		comma, held := ",", many
		if i == from {
			comma = ""
		}
		if i < 40 || c.light {
			held = entries[0]
		}
		_, _ = fmt.Fprintf(w, `%s{"id":"4188281363502%05d","scope":"site","scopeRoles":[%s]}`, comma, i, held)
	}
	next := ""
	if from+limit < users {
		next = fmt.Sprintf("%d of %d", from+limit, limit)
	}
	_, _ = fmt.Fprintf(w, `],"pagination":{"totalItems":%d,"nextCursor":%q}}`, users, next)
}

func (c *mixedConsole) start(t *testing.T) *syncFixture {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	b := newSyncFixtureOf(t, nil, attempttest.Client(t, server.URL))
	b.mustBegin(wire.SyncBeginInput{
		Snapshot: "s1", Collections: []access.Collection{access.Users}, StartedAt: b.sync.now().UTC(),
	})
	return b
}

func mixedInput(attempt, limit int) wire.SyncDrainInput {
	in := users(attempt)
	in.Expected, in.Limit = new(mixedUsers), limit
	return in
}

// A page amid the walk that does not fit is asked for again at the same cursor, in halves, and the
// walk goes on with the smaller size.
func TestDrain_HalvesAmidTheWalk(t *testing.T) {
	t.Parallel()
	c := &mixedConsole{}
	b := c.start(t)
	got := b.mustDrain(mixedInput(1, 0))
	require.Equal(t, wire.SyncDrainResult{Pages: 3, Rows: 70, Expected: new(70), Limit: 15, Requests: 9}, got)
	require.Equal(t, []string{
		" by 1000", "40 of 40 by 1000", "40 of 40 by 500", "40 of 40 by 250", "40 of 40 by 125", "40 of 40 by 62",
		"40 of 40 by 31", "40 of 40 by 15", "55 of 15 by 15",
	}, c.asked)
}

// A console may bind a cursor to the limit it was made for. Then the walk is in doubt, and the next
// one begins with a size that fits.
func TestDrain_CursorOfAnotherSizeRefused(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(c *mixedConsole, w http.ResponseWriter, from, made int){
		"400": func(_ *mixedConsole, w http.ResponseWriter, _, _ int) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"errors":[{"code":4000010,"title":"Validation Error"}]}`)
		},
		"the larger page": func(c *mixedConsole, w http.ResponseWriter, from, made int) { c.page(w, from, made) },
	} {
		c := &mixedConsole{refuse: refuse}
		b := c.start(t)
		first := b.mustDrain(mixedInput(1, 0))
		require.Contains(t, first.Doubt, "no longer accepts the cursor of page 2", name)
		require.Equal(t, 15, first.Limit, name)
		c.asked = nil
		second := b.mustDrain(mixedInput(2, first.Limit))
		require.Equal(t, wire.SyncDrainResult{
			Pages: 5, Rows: 70, Expected: new(70), Limit: 15, Requests: 5,
		}, second, name)
		require.Equal(t, " by 15", c.asked[0])
	}
}

// The size outlives an attempt that failed, with its last heartbeat.
func TestDrain_SizeOfTheLastAttempt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		beat any
		in   int
		want string
	}{
		{Progress{Pages: 1, Rows: 40, Limit: 15}, 0, " by 15"},
		{Progress{Limit: 15}, 7, " by 7"},
		{Progress{Limit: 15}, 20, " by 15"},
		{Progress{Pages: 1, Rows: 40}, 0, " by 1000"},
		{"of another version", 20, " by 20"},
	} {
		c := &mixedConsole{light: true}
		b := c.start(t)
		env := b.env()
		env.SetHeartbeatDetails(tc.beat)
		_, err := attempttest.Execute[wire.SyncDrainResult](t, env, wire.SyncDrainActivity, mixedInput(1, tc.in))
		require.NoError(t, err)
		require.Equal(t, tc.want, c.asked[0])
	}
}
