package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// The times and sizes of a walk.
const (
	walkPause  = 30 * time.Millisecond // between two moves
	walkCall   = 2 * time.Second       // for one call of Temporal
	walkAtOnce = 12                    // requests of honest people that are open at once
	// settleWithin is for releases after the walk. One that comes before an end that is on record is tried again
	// after five minutes.
	settleWithin = 7 * time.Minute
)

// walk is one stack on which honest people and an adversary with the namespace act at random.
type walk struct {
	*attacker

	users []access.Principal
	seen  *seen
	deeds *journal
}

// journal keeps what was done, in order, and what honest people have decided.
type journal struct {
	mu       sync.Mutex
	lines    []string
	tampered map[string]string // what the adversary did to a workflow, by id
	granted  map[string]bool   // workflow ids of the requests of honest people
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (j *journal) tamper(id, how string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if was := j.tampered[id]; was != "" && len(was) < 200 {
		how = was + ", " + how
	}
	j.tampered[id] = how
}

func (j *journal) tamperedWith(id string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.tampered[id]
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// A short walk from a seed that never changes. The soak tests take longer ones from other
// seeds.
func TestAttack_RandomWalk(t *testing.T) {
	t.Parallel()
	randomWalk(t, 42, 25*time.Second)
}

// randomWalk lets honest people and the adversary act for some time. What the console's own
// log shows is judged all along, and once more when everything has ended.
func randomWalk(t *testing.T, seed uint64, lasts time.Duration) {
	t.Helper()
	w := newWalk(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d; the moves were:\n%s", seed, w.deeds.text())
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	began := time.Now()
	var all sync.WaitGroup
	for n, act := range []func(context.Context, *rand.Rand){w.people, w.adversary, w.adversary} {
		all.Go(func() {
			chance := rand.New(rand.NewPCG(seed, uint64(n)))
			for ctx.Err() == nil {
				act(ctx, chance)
				pause(ctx, time.Duration(chance.Int64N(int64(2*walkPause))))
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		case <-time.After(time.Second):
		}
		w.judge()
		// On a busy machine it goes on until it has given something: before that it shows nothing.
		if past := time.Since(began); past > lasts && w.covered() > 0 || past > lasts+limit {
			stop()
		}
	}
	w.requireEnds()
	w.judge()
	w.requireLedger()
	t.Logf("seed %d: %s", seed, w.summary())
	require.NotZero(t, w.covered(), "the walk gave nothing: it shows nothing")
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	w := &walk{
		attacker: newAttacker(newSignedEnv(t)), seen: newSeen(),
		deeds: &journal{tampered: map[string]string{}, granted: map[string]bool{}},
	}
	other := w.world.AtSite("Viewer", 3) // which a lease may replace
	for n := range 3 {
		w.users = append(w.users, w.world.AddUser(fmt.Sprintf("user%d@example.com", n), other))
	}
	return w
}

// pause waits, or less if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// people is one deed of an honest person: a request, a decision or an end.
func (w *walk) people(ctx context.Context, chance *rand.Rand) {
	ctx, stop := context.WithTimeout(ctx, walkCall)
	defer stop()
	open := w.openRequests(ctx)
	if len(open) < walkAtOnce && chance.IntN(3) == 0 {
		w.request(ctx, chance)
		return
	}
	if len(open) == 0 {
		return
	}
	id := open[chance.IntN(len(open))]
	var status wire.RequestStatus
	value, err := w.client.QueryWorkflow(ctx, id, "", wire.StatusQuery)
	if err != nil || value.Get(&status) != nil || status.Plan == nil {
		return
	}
	switch {
	case status.State == wire.StateAwaitingApproval:
		w.decideOn(ctx, chance, id, status)
	case status.State == wire.StateActive && chance.IntN(8) == 0:
		w.end(ctx, id, status)
	}
}

// openRequests are the requests of honest people that are running.
func (w *walk) openRequests(ctx context.Context) (out []string) {
	for _, x := range w.running(ctx) {
		w.deeds.mu.Lock()
		own := w.deeds.granted[x.id]
		w.deeds.mu.Unlock()
		if own {
			out = append(out, x.id)
		}
	}
	return out
}

// request is bob's, for a role at a site of its own or in the place of another role.
func (w *walk) request(ctx context.Context, chance *rand.Rand) {
	user := w.users[chance.IntN(len(w.users))]
	role := []string{"SOC", "Admin"}[chance.IntN(2)]
	held := w.world.AtSite(role, 1+chance.IntN(3))
	duration := []string{"", "3s", "6s", "10s"}[chance.IntN(4)]
	in := w.inputFor(user, held, duration)
	in.Console = w.consoleKey()
	w.deeds.mu.Lock()
	id := w.grantID(fmt.Sprintf("/%d", len(w.deeds.granted)))
	w.deeds.granted[id] = true
	w.deeds.mu.Unlock()
	in = w.signGrant(in, id, "bob@example.com", w.now()) //nolint:contextcheck // it signs within the test
	_, err := w.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: w.signedEnv.queue},
		wire.GrantType, in)
	w.deeds.note("bob requests %s: %s at %s for %s, %q: %v", id, role, held.ScopeID, user.Email, duration, err)
}

func (w *walk) decideOn(ctx context.Context, chance *rand.Rand, id string, status wire.RequestStatus) {
	who := []string{"carol@example.com", "dave@example.com", "gus@example.com"}[chance.IntN(3)]
	action := signing.KindApprove
	if chance.IntN(6) == 0 {
		action = signing.KindDeny
	}
	in := wire.DecisionInput{By: who, SignedAt: w.now()}
	decision := access.Decision{Action: action, By: who, SignedAt: in.SignedAt}
	statement := signing.OfDecision(id, status.Run, status.Plan.Hash, decision)
	in.Signature = w.sign(who, statement) //nolint:contextcheck // it signs within the test
	w.deeds.note("%s decides %s on %s (plan %.8s): %v", who, action, id, status.Plan.Hash, w.send(ctx, id, action, in))
}

// end is an honest person's, signed.
func (w *walk) end(ctx context.Context, id string, status wire.RequestStatus) {
	in := wire.StopInput{By: "carol@example.com"}
	at := w.now()
	statement := signing.OfStop(id, status.Run, access.Stop{Action: signing.KindEnd, By: in.By, SignedAt: at})
	in.Sign(w.sign(in.By, statement), at) //nolint:contextcheck // it signs within the test
	w.deeds.note("carol ends %s: %v", id, w.send(ctx, id, wire.EndUpdate, in))
}

// send sends an update and waits for its answer no longer than ctx.
func (w *walk) send(ctx context.Context, id, update string, in any) error {
	return w.sendUpdate(ctx, id, update, in)
}
