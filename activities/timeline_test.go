package activities_test

import (
	"cmp"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/testbed/flowtest"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/workflows"
)

// timeline is one principal's writer, real but for the time, which is skipped: the
// workflow in the SDK's test environment, its activities, a simulated console and a
// store. Things happen to it at minutes.
type timeline struct {
	t       *testing.T
	console *consoletest.Server
	store   *store.Store
	writer  *activities.Principal
	start   time.Time
	who     wire.WriterStart
	events  []event
	answers map[string]*wire.ChangeAnswer
}

// event is something that happens. One without a change happens to the console alone.
type event struct {
	minute float64
	change *wire.ChangeRequest
	do     func()
}

func (e event) order() int {
	if e.change != nil && e.change.Change.Op == access.OpRelease {
		return 0
	}
	return 1
}

// newTimeline has a user that holds a role at the first site, and roles at two more if
// they are given.
func newTimeline(t *testing.T, o consoletest.Options, at ...access.HeldRole) *timeline {
	t.Helper()
	server := consoletest.Start(t, o)
	c, err := console.New(console.Config{
		BaseURL: server.URL, Token: console.StaticToken(server.Token()), Budgets: []console.Budget{},
	})
	require.NoError(t, err)
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "store.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	truth := server.Truth()
	held := append([]access.HeldRole{{RoleID: truth.Roles[0].ID, ScopeID: truth.Sites[0].ID}}, at...)
	id, err := server.AddUser(access.Principal{Name: "New Ana", Level: access.SiteLevel, Held: held})
	require.NoError(t, err)
	return &timeline{
		t: t, console: server, store: db, start: time.Now().UTC(),
		writer:  activities.NewPrincipal(c, db, activities.NewAuthority(db, c.Console(), nil)),
		who:     wire.WriterStart{Console: c.Console(), Kind: access.User, ID: id},
		answers: map[string]*wire.ChangeAnswer{},
	}
}

// roleAt is the one role that the user holds at a site, "" for none.
func (l *timeline) roleAt(site string) string {
	for _, p := range l.console.Truth().Principals {
		if p.ID != l.who.ID {
			continue
		}
		for _, h := range p.Held {
			if h.ScopeID == site {
				return h.RoleID
			}
		}
	}
	return ""
}

// lease is a grant of a role at a site from one minute to another.
func (l *timeline) lease(id string, h access.HeldRole, from, to float64) {
	lease := access.Lease{
		ID:      "grant/" + id + "#run",
		Holding: access.Holding{Level: access.SiteLevel, RoleID: h.RoleID, ScopeID: h.ScopeID},
		End:     l.at(to),
	}
	activities.RecordRequest(l.t, l.store, l.who, access.OpAcquire, lease, l.start, func(p *access.Plan) {
		p.Terms.StartAt, p.Terms.Duration = l.at(from), access.Duration(l.at(to).Sub(l.at(from)))
	})
	for op, minute := range map[access.Op]float64{access.OpAcquire: from, access.OpRelease: to} {
		l.events = append(l.events, event{minute: minute, change: &wire.ChangeRequest{
			Key: access.ChangeKey(lease.ID, op), Request: "grant/" + id, Change: access.Change{Op: op, Lease: lease},
		}})
	}
}

func (l *timeline) then(minute float64, do func()) {
	l.events = append(l.events, event{minute: minute, do: do})
}

func (l *timeline) at(minute float64) time.Time {
	return l.start.Add(time.Duration(minute * float64(time.Minute)))
}

// run lets everything happen. The writer ends when it is idle and is started with the
// next change, as an update-with-start does. Of what happens at one minute releases come
// first: the test environment does not wait for an activity that is stopped, as a server
// does, so two would run at once.
func (l *timeline) run() {
	l.t.Helper()
	slices.SortStableFunc(l.events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.minute, b.minute), cmp.Compare(a.order(), b.order()))
	})
	for len(l.events) > 0 {
		if e := l.events[0]; e.change == nil {
			e.do()
			l.events = l.events[1:]
			continue
		}
		l.episode()
	}
}

// episode is one run of the writer, from a change until it is idle.
func (l *timeline) episode() {
	l.t.Helper()
	env := flowtest.New(fault.NewInterceptor())
	begun := l.at(l.events[0].minute)
	env.SetStartTime(begun)
	env.SetTestTimeout(time.Minute)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{
		ID: wire.PrincipalID(l.who.Console, l.who.Kind, l.who.ID), TaskQueue: "sentinelone",
	})
	l.writer.SetClock(env.Now)
	workflows.Register(env)
	l.writer.Register(env)
	happened := 0
	for i, e := range l.events {
		env.RegisterDelayedCallback(func() {
			happened++
			if e.do != nil {
				e.do()
				return
			}
			l.ask(env, *e.change)
		}, l.at(e.minute).Sub(begun)+time.Duration(i+1)*time.Millisecond)
	}
	env.ExecuteWorkflow(wire.PrincipalType, wire.PrincipalInput{WriterStart: l.who})
	require.True(l.t, env.IsWorkflowCompleted())
	require.NoError(l.t, env.GetWorkflowError())
	l.events = l.events[happened:]
}

func (l *timeline) ask(env *testsuite.TestWorkflowEnvironment, in wire.ChangeRequest) {
	env.UpdateWorkflow(wire.ChangeUpdate, in.Key, &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { l.t.Errorf("%s was rejected: %v", in.Key, err) },
		OnComplete: func(got any, err error) {
			answer, ok := got.(wire.ChangeAnswer)
			if err != nil || !ok {
				l.t.Errorf("%s failed: %v", in.Key, err)
			}
			l.answers[in.Key] = &answer
		},
	}, in)
}
