//go:build soak

package e2e

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/schedule"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// dayPolicy approves every request, and takes back after a second what somebody gives by hand.
const dayPolicy = testbed.AutoApprove + "drift:\n  - {name: by-hand, action: revert, after: 1s}\n"

// What a worker may have more at the end of the day than after an hour of work.
const (
	dayGoroutines = 30
	daySockets    = 10
	dayMemory     = 96 << 20 // bytes
)

// day is a stack on which a day passes in two minutes: schedules sync, people request and change things by hand, the
// console fails, one worker is restarted every few seconds and another one, which is looked at for leaks, never.
type day struct {
	*chaos

	schedules schedule.Schedules
	tokenFile string
	byHand    []access.Principal
	log       *testbed.Output // of the worker that stays
	stays     *testbed.Process
}

// A day in two minutes, on one database and then on the other; see chaosSeedVar. Afterwards the store shows what is on
// the console, the ledger explains all of it and verifies, nothing is overdue, and the worker that stayed has kept
// nothing.
//
//nolint:paralleltest // access must be gone in time on a machine of two cores
func TestSoakDay(t *testing.T) {
	seed, lasts := chaosSeed(t), 2*time.Minute
	if given := os.Getenv(chaosLastsVar); given != "" {
		var err error
		lasts, err = time.ParseDuration(given)
		require.NoError(t, err, chaosLastsVar)
	}
	for name, postgres := range map[string]bool{"sqlite": false, "postgresql": true} {
		t.Run(name, func(t *testing.T) { runDay(t, seed, lasts, postgres) })
	}
}

func runDay(t *testing.T, seed uint64, lasts time.Duration, postgres bool) {
	t.Helper()
	d := newDay(t, chaosOptions{seed: seed, lasts: lasts, settles: settleWithin, principals: 20, postgres: postgres})
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s=%d; what happened:\n%s", chaosSeedVar, seed, d.deeds.text())
		}
	})
	before := d.firstHour()
	d.startStaying()
	d.pass()
	d.heal()
	d.requireHandsUndone()
	d.requireScheduled()
	d.requireHealed()
	d.requireStoreMatchesConsole()
	d.requireNothingKept(before)
}

func newDay(t *testing.T, o chaosOptions) *day {
	t.Helper()
	d := &day{tokenFile: filepath.Join(t.TempDir(), "token")}
	o.policy, o.workers = dayPolicy, 1
	o.prepare = func(s *stack) {
		d.writeToken(t, s.console.Token())
		s.extraEnv = append(s.extraEnv, "SENTINELONE_API_TOKEN=", "SENTINELONE_API_TOKEN_FILE="+d.tokenFile,
			"CONNECTION_CHECK_EVERY=1m")
	}
	d.chaos = newChaos(t, o)
	d.schedules = schedule.Schedules{Client: d.client.ScheduleClient(), TaskQueue: d.queue}
	for n := range 5 {
		d.byHand = append(d.byHand, d.world.AddUser(fmt.Sprintf("hand%d@example.com", n)))
	}
	return d
}

func (d *day) writeToken(t *testing.T, token string) {
	t.Helper()
	require.NoError(t, os.WriteFile(d.tokenFile, []byte(token+"\n"), 0o600))
}

// startStaying starts the worker that is not restarted.
func (d *day) startStaying() {
	d.t.Helper()
	d.log = &testbed.Output{}
	var err error
	d.stays, err = testbed.StartProcess(d.log, append(d.env(), d.keys.env()...), programs.Worker)
	require.NoError(d.t, err)
	d.t.Cleanup(d.stays.Kill)
	require.NoError(d.t, d.log.WaitFor(d.ctx(), readyText, 1))
}

// scheduleIDs are the schedules of full and of delta syncs, with what they start.
func (d *day) scheduleIDs() map[string]wire.SyncInput {
	id := wire.SyncID("day")
	return map[string]wire.SyncInput{id: {}, schedule.DeltaID(id): {Mode: wire.ModeDelta}}
}

// firstHour has a worker do each kind of work once, and returns what it holds when it is idle again.
func (d *day) firstHour() kept {
	d.t.Helper()
	d.startStaying()
	for id, every := range map[string]time.Duration{
		wire.SyncID("day"): 20 * time.Second, schedule.DeltaID(wire.SyncID("day")): 5 * time.Second,
	} {
		spec := schedule.Spec{Every: every, CatchUp: every}
		require.NoError(d.t, d.schedules.Put(d.ctx(), id, spec, d.scheduleIDs()[id]))
	}
	for n, u := range d.users {
		id := wire.GrantID(fmt.Sprintf("morning-%d", n))
		in := d.inputFor(u, d.world.AtSite("SOC", 1), "1s")
		require.EventuallyWithT(d.t, func(t *assertT) { // one call of it does not wait for a busy machine
			require.NoError(t, d.startRequest(d.t.Context(), id, wire.GrantType, in))
		}, limit, 100*time.Millisecond)
	}
	d.eventually("requests of the morning", d.openRequests)
	return d.look()
}

// pass is the day itself.
func (d *day) pass() {
	d.t.Helper()
	ctx, stop := context.WithTimeout(d.t.Context(), d.o.lasts)
	defer stop()
	var all sync.WaitGroup
	for n, a := range []actor{
		{time.Second, d.requestTimed},
		{3 * time.Second, d.moveEnd},
		{2 * time.Second, d.movePermanent},
		{4 * time.Second, d.changeByHand},
		{10 * time.Second, d.disturbConsole},
		{6 * time.Second, func(context.Context, *mathrand.Rand) {
			d.deeds.note("the worker is restarted")
			d.killWorkers()
		}},
	} {
		all.Go(func() {
			chance := mathrand.New(mathrand.NewPCG(d.o.seed, uint64(n)))
			for {
				pause(ctx, a.every/2+time.Duration(chance.Int64N(int64(a.every))))
				if ctx.Err() != nil {
					return
				}
				a.act(ctx, chance)
			}
		})
	}
	pause(ctx, d.o.lasts/2)
	d.rotateToken()
	all.Wait()
}

// rotateToken gives the workers another token in their file, and makes the old one void.
func (d *day) rotateToken() {
	d.t.Helper()
	const token = "noon-token-of-the-second-half-of-the-day-0123456789abcdef0123456789abcdef0123456789"
	d.deeds.note("the token is rotated")
	d.writeToken(d.t, token)
	d.console.SetToken(token)
}

// changeByHand gives somebody a role in the console's own pages.
func (d *day) changeByHand(_ context.Context, chance *mathrand.Rand) {
	who := d.byHand[chance.IntN(len(d.byHand))]
	held := d.world.AtSite([]string{"SOC", "Admin"}[chance.IntN(2)], 1+chance.IntN(2))
	err := d.console.GiveRole(who.Kind, who.ID, held.Level, grantworld.Role(held))
	d.deeds.note("by hand %s gets %s at %s: %v", who.ID, held.RoleID, held.ScopeID, err)
}

// requireHandsUndone waits until the drift rule has taken back all that was given by hand: a scheduled sync finds it.
func (d *day) requireHandsUndone() {
	d.t.Helper()
	d.eventually("roles that were given by hand", func() (out []string) {
		for _, u := range d.byHand {
			for _, h := range minus(d.world.HoldingsOf(u.Kind, u.ID), u.Holdings()) {
				out = append(out, fmt.Sprintf("user %s holds %s at %s", u.ID, h.RoleID, h.ScopeID))
			}
		}
		return out
	})
	for _, u := range d.byHand {
		require.True(d.t, d.world.HoldingsOf(u.Kind, u.ID).Holds(d.viewer), "%s keeps what was there before", u.ID)
	}
}

// requireScheduled checks that both schedules have started syncs during the day, and ends them.
func (d *day) requireScheduled() {
	d.t.Helper()
	for id := range d.scheduleIDs() {
		require.NoError(d.t, d.schedules.Pause(d.ctx(), id, "the day is over"))
		d.eventually("syncs that "+id+" has started", func() (out []string) {
			got, err := d.schedules.Get(d.ctx(), id)
			if err != nil {
				return []string{err.Error()}
			}
			for _, run := range got.Running {
				out = append(out, run.WorkflowID)
			}
			return out
		})
		got, err := d.schedules.Get(d.ctx(), id)
		require.NoError(d.t, err)
		require.Greater(d.t, got.Started, 1, id)
		require.NoError(d.t, d.schedules.Delete(d.ctx(), id))
	}
}

// kept is what a worker holds while it is idle.
type kept struct {
	goroutines int // those of workflows in its cache left out
	sockets    int
	memory     int // resident, in bytes
}

// look ends the worker that stays, and counts what it held.
func (d *day) look() kept {
	d.t.Helper()
	pid := d.stays.Pid()
	out := kept{sockets: socketsOf(d.t, pid), memory: residentOf(d.t, pid)}
	require.NoError(d.t, syscall.Kill(pid, syscall.SIGQUIT)) // it prints the stacks of all goroutines
	<-d.stays.Done()
	_, dump, found := strings.Cut(d.log.String(), "SIGQUIT: quit")
	require.True(d.t, found, d.log.Tail())
	for stack := range strings.SplitSeq(dump, "\n\n") {
		if strings.Contains(stack, "goroutine ") && !strings.Contains(stack, "coroutineState") {
			out.goroutines++
		}
	}
	require.Greater(d.t, out.goroutines, 10, "the stacks of the worker")
	return out
}

// requireNothingKept compares what the worker holds at the end of the day with what one held after its first hour.
func (d *day) requireNothingKept(before kept) {
	d.t.Helper()
	after := d.look()
	d.t.Logf("after the first hour: %+v; at the end of the day: %+v", before, after)
	require.LessOrEqual(d.t, after.goroutines, before.goroutines+dayGoroutines, "goroutines:\n%s", d.log.Tail())
	require.LessOrEqual(d.t, after.sockets, before.sockets+daySockets, "connections")
	require.LessOrEqual(d.t, after.memory, before.memory+dayMemory, "memory")
}

// socketsOf counts the connections of a process.
func socketsOf(t *testing.T, pid int) (n int) {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, f := range files {
		if to, err := os.Readlink(filepath.Join(folder, f.Name())); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// residentOf is how much memory a process has, in bytes.
func residentOf(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	fields := strings.Fields(string(text))
	at := slices.Index(fields, "VmRSS:")
	require.GreaterOrEqual(t, at, 0)
	kib, err := strconv.Atoi(fields[at+1])
	require.NoError(t, err)
	return kib << 10
}
