package sync

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// editor edits a console at random, and knows whom the feed has named.
type editor struct {
	b     *deltaFixture
	r     *rand.Rand
	named map[string]bool // ids whose entries no sync has read yet
	late  map[string]bool // ids whose entries do not show yet
}

func (e *editor) pick(kind access.Kind) (access.Principal, bool) {
	var found []access.Principal
	for _, p := range e.b.console.Truth().Principals {
		if p.Kind == kind {
			found = append(found, p)
		}
	}
	if len(found) < 20 {
		return access.Principal{}, false
	}
	return found[e.r.IntN(len(found))], true
}

// edit makes one edit, of which the feed may tell once, twice, late or never.
func (e *editor) edit() {
	t := e.b.t
	t.Helper()
	named := e.named
	switch e.r.IntN(8) {
	case 0:
		e.b.console.SetFeed(consoletest.Feed{LoseEvery: 1})
		named = map[string]bool{}
	case 1:
		e.b.console.SetFeed(consoletest.Feed{LateEvery: 1, LateBy: 1 << 30})
		named = e.late
	case 2:
		e.b.console.SetFeed(consoletest.Feed{DoubleEvery: 1})
	default:
		e.b.console.SetFeed(consoletest.Feed{})
	}
	kind := []access.Kind{access.User, access.ServiceUser}[e.r.IntN(2)]
	who, enough := e.pick(kind)
	var err error
	switch n := e.r.IntN(10); {
	case n < 2 || !enough:
		add := e.b.console.AddUser
		if kind == access.ServiceUser {
			add = e.b.console.AddServiceUser
		}
		who.ID, err = add(access.Principal{})
	case n < 4 && kind == access.User:
		require.True(t, e.b.console.RemoveUser(who.ID))
	case n < 4:
		require.True(t, e.b.console.RemoveServiceUser(who.ID))
	default:
		err = e.setRoles(kind, who)
	}
	require.NoError(t, err)
	named[who.ID] = true
}

// release has the feed show what is late.
func (e *editor) release() {
	e.b.console.ReleaseFeed()
	maps.Copy(e.named, e.late)
	e.late = map[string]bool{}
}

// differing are the ids of principals that the store shows otherwise than the console has them.
func (e *editor) differing() map[string]bool {
	rows := func(s consoleState) map[string]string {
		out := map[string]string{}
		for _, p := range s.Principals {
			text, err := json.Marshal(p)
			require.NoError(e.b.t, err)
			out[p.ID] = string(text)
		}
		for _, a := range s.Assignments {
			out[a.PrincipalID] += fmt.Sprint(a)
		}
		return out
	}
	stored, actual := rows(e.b.kept()), rows(stateOf(e.b.console.Truth()))
	out := map[string]bool{}
	for id, text := range stored {
		if actual[id] != text {
			out[id] = true
		}
	}
	for id, text := range actual {
		if stored[id] != text {
			out[id] = true
		}
	}
	return out
}

// setRoles gives somebody another list of roles than they have, at a level that may be another one.
func (e *editor) setRoles(kind access.Kind, who access.Principal) error {
	truth := e.b.console.Truth()
	for {
		level, held := access.Tenant, []access.HeldRole{{RoleID: truth.Roles[e.r.IntN(6)].ID}}
		if e.r.IntN(3) > 0 {
			level, held = access.SiteLevel, nil
			for _, s := range truth.Sites {
				if e.r.IntN(2) == 0 {
					held = append(held, access.HeldRole{RoleID: truth.Roles[e.r.IntN(6)].ID, ScopeID: s.ID})
				}
			}
		}
		after := access.Principal{Level: level, Held: access.NormalizeHeld(held)}
		if len(held) == 0 || after.Holdings().Equal(who.Holdings()) && level == who.Level {
			continue
		}
		if kind == access.User {
			return e.b.console.SetUserRoles(who.ID, level, held)
		}
		return e.b.console.SetServiceUserRoles(who.ID, level, held)
	}
}

// edits makes some edits, fewer than most.
func (e *editor) edits(most int) (n int) {
	n = e.r.IntN(most)
	for range n {
		e.edit()
	}
	return n
}

// unnamed is how many principals differ, though no entry that is to be read names them.
func (e *editor) unnamed() (n int) {
	for id := range e.differing() {
		if !e.named[id] {
			n++
		}
	}
	return n
}

// A thousand random edits, some of them lost, doubled or late in the feed: after each delta sync the store shows
// everybody whom the feed has named as the console has them; after its fallback it equals the console, and the count of
// what the feed missed is right.
func TestDelta_RandomEdits(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{Users: 50, ServiceUsers: 40})
	b.sync.guard = Guard{MaxPercent: 100, MinRows: 10}
	e := &editor{b: b, r: rand.New(rand.NewPCG(14, 2)), named: map[string]bool{}, late: map[string]bool{}}
	missed, deltas, fallbacks := 0, 0, 0
	for edits := 0; edits < 1000; {
		edits += e.edits(12)
		if e.r.IntN(4) == 0 {
			e.release()
		}
		out := b.delta()
		deltas++
		if out.Full == "" {
			for id := range e.differing() {
				require.NotContains(t, e.named, id, "after %d edits", edits)
			}
			e.named = map[string]bool{}
			if e.r.IntN(6) > 0 {
				continue
			}
		} else {
			fallbacks++
			require.Contains(t, out.Full, "the console counts")
		}
		edits += e.edits(5) // those named since the last delta sync are not missed
		want := e.unnamed()
		full := b.full()
		b.requireTruth()
		require.NotNil(t, full.Feed)
		require.Equal(t, want, full.Feed.Missed, "after %d edits", edits)
		require.GreaterOrEqual(t, full.Feed.Changes, full.Feed.Missed)
		missed += want
		e.named = map[string]bool{}
	}
	require.NotZero(t, missed)
	require.NotZero(t, fallbacks)
	t.Logf("%d delta syncs, %d became full ones, the feed missed %d changes", deltas, fallbacks, missed)
}

// An entry that comes later than the overlap reaches is missed, and counted.
func TestDelta_LaterThanTheOverlap(t *testing.T) {
	t.Parallel()
	b := newDeltaFixture(t, consoletest.Options{Users: 60})
	b.console.SetFeed(consoletest.Feed{LateEvery: 1, LateBy: 1 << 30})
	require.NoError(t, b.console.SetUserRoles(b.someone(access.User, 0).ID, access.SiteLevel, b.heldSomewhere()))
	b.console.SetFeed(consoletest.Feed{})
	for i := range 2 * int(feedOverlap.Seconds()) { // an edit each second
		held := b.heldSomewhere()[:1+i%2]
		require.NoError(t, b.console.SetUserRoles(b.someone(access.User, 1).ID, access.SiteLevel, held))
	}
	require.Equal(t, "promoted", b.sure().State)
	b.console.ReleaseFeed()
	require.Equal(t, "unchanged", b.sure().State)
	full := b.full()
	require.Equal(t, &wire.FeedMeasure{Missed: 1, Changes: 2}, full.Feed)
	require.Contains(t, full.Warnings, "the activity feed missed 1 of 2 changes since the last full sync: "+
		"delta syncs cannot see them")
	b.requireTruth()
	require.Equal(t, &wire.FeedMeasure{}, b.full().Feed, "each full sync counts anew")
}
