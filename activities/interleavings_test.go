package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/testbed/grantworld"
	"sentinelone-provisioner/internal/wire"
)

// interleavings is how many random interleavings `go test` has; `make soak` has more.
const interleavings = 25

// Leases, permanent grants and revokes of one principal, whose attempts come in any order, are cut off anywhere and
// repeated, with writes that arrive late, while somebody edits other sites by hand: once all leases have ended, the
// principal holds what was granted for good, what was there before, and what the edits have left.
func TestInterleavings(t *testing.T) {
	t.Parallel()
	runInterleavings(t, 0, interleavings)
}

// runInterleavings runs that many, from a seed on.
func runInterleavings(t *testing.T, seed, n int) {
	t.Helper()
	broken := &brokenWire{}
	d := newGrantFixture(t, grantworld.Options(), func(c *console.Config) {
		broken.next, c.Transport = &http.Transport{}, broken
	})
	var roles []string
	for i := range 20 {
		role, err := d.console.AddRole(access.Role{Name: fmt.Sprintf("By hand %d", i)})
		require.NoError(t, err)
		roles = append(roles, role)
	}
	for i := seed; i < seed+n; i++ {
		x := newInterleaving(d, broken, i)
		x.unused = roles
		x.pass()
		if t.Failed() {
			t.Fatalf("interleaving %d:\n%s", i, strings.Join(x.lines, "\n"))
		}
	}
}

// fate is what becomes of one request of an attempt.
type fate int

const (
	arrives     fate = iota
	cutBefore        // the attempt is cancelled before the request is sent
	cutAfter         // the console has done the work, and the attempt is cancelled before it learns so
	cutLate          // the attempt is cancelled, and the request arrives some time later
	lostRequest      // the connection breaks before the request is sent
	lostAnswer       // the connection breaks after the console has done the work
	killed           // the process ends when the console has done the work
	fates
)

// errProcessKilled ends an attempt without a word in the ledger, as the death of its process does.
var errProcessKilled = errors.New("the process was killed")

// lateRequest is a request that is still on its way.
type lateRequest struct {
	at  time.Time
	req *http.Request
}

// brokenWire is the network between one attempt at a time and the console.
type brokenWire struct {
	next   http.RoundTripper
	now    *time.Time
	cancel context.CancelFunc // of the attempt
	fate   fate               // of a request of the attempt, others pass
	left   int                // how many requests pass before it
	delay  time.Duration      // of a late request, and of what comes before a request is sent
	late   []lateRequest
}

// RoundTrip implements [http.RoundTripper].
func (b *brokenWire) RoundTrip(req *http.Request) (*http.Response, error) {
	b.left--
	if b.left != -1 {
		return b.next.RoundTrip(req)
	}
	switch b.fate {
	case cutBefore:
		b.cancel()
		return nil, req.Context().Err()
	case cutAfter:
		err := b.deliver(req)
		b.cancel()
		return nil, errors.Join(err, req.Context().Err())
	case cutLate:
		*b.now = b.now.Add(b.delay) // for which it has waited for its turn
		if req.Method != http.MethodGet {
			b.late = append(b.late, lateRequest{b.now.Add(b.delay % visibilityDelay), copyOf(req)})
		}
		b.cancel()
		return nil, req.Context().Err()
	case lostRequest:
		return nil, io.ErrUnexpectedEOF
	case lostAnswer:
		return nil, errors.Join(b.deliver(req), io.ErrUnexpectedEOF)
	case killed:
		if err := b.deliver(req); err != nil {
			return nil, err
		}
		panic(errProcessKilled)
	case arrives, fates:
	}
	return b.next.RoundTrip(req)
}

// copyOf is the request with a life of its own.
func copyOf(req *http.Request) *http.Request {
	out := req.Clone(context.WithoutCancel(req.Context()))
	if req.GetBody != nil {
		out.Body, _ = req.GetBody()
	}
	return out
}

// deliver has the console do the work, and drops its answer.
func (b *brokenWire) deliver(req *http.Request) error {
	answer, err := b.next.RoundTrip(copyOf(req))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}

// arrive delivers one of the late requests whose time has come. It reports whether there was one.
func (b *brokenWire) arrive() (bool, error) {
	for i, r := range b.late {
		if !r.at.After(*b.now) {
			b.late = slices.Delete(b.late, i, i+1)
			return true, b.deliver(r.req)
		}
	}
	return false, nil
}

// randomChange is one change of the principal, which is repeated until it is settled.
type randomChange struct {
	in      wire.WriteInput
	outcome access.Outcome // "" until it is settled
}

func (c *randomChange) op() access.Op { return c.in.Change.Change.Op }

// interleaving is one principal with its changes.
type interleaving struct {
	*grantFixture

	wire    *brokenWire
	random  *rand.Rand
	name    string
	coming  []*randomChange // not requested yet
	open    []*randomChange
	settled []*randomChange
	planned int
	edited  access.Holding  // the site that somebody edits by hand
	byHand  string          // the role that the edits have left there; "" before the first one
	unused  []string        // roles for more edits: none restores what was there before, as a late write would
	unseen  bool            // a late write has arrived, and no change was settled since
	proven  access.Holdings // by the last change that was settled
	truth   map[string]string
	mayLack map[string]bool // sites at which a role of truth may be missing: see arrive
	lines   []string
}

// newInterleaving adds a user to the console. Of its sites, the first has Viewer, at the next two permanent grants
// and leases meet, at the fourth leases alone, at the fifth a role is revoked, and the sixth is edited by hand.
func newInterleaving(d *grantFixture, broken *brokenWire, seed int) *interleaving {
	d.t.Helper()
	one := *d
	x := &interleaving{
		grantFixture: &one, wire: broken, name: fmt.Sprintf("random%d", seed),
		random: rand.New(rand.NewPCG(uint64(seed), 17)),
		truth:  map[string]string{}, mayLack: map[string]bool{},
	}
	*broken = brokenWire{next: broken.next, now: &x.now}
	clock := func() time.Time { return x.now }
	principal := *d.principal
	x.principal, principal.now = &principal, clock
	at := func(role string, site int) access.Holding { return d.world.AtSite(role, site) }
	revoked := at("Admin", 4)
	x.edited = at("SOC", 5)
	user := d.world.AddUser(x.name+"@example.com", revoked)
	x.who = wire.WriterStart{Console: d.client.Console(), Kind: access.User, ID: user.ID}
	x.truth[d.viewer.ScopeID] = d.viewer.RoleID

	x.plan(access.OpRevoke, revoked)
	for _, site := range []int{1, 2} {
		x.plan(access.OpGrant, at("SOC", site))
		x.truth[at("SOC", site).ScopeID] = at("SOC", site).RoleID
		for range 1 + x.random.IntN(2) {
			x.plan(access.OpAcquire, at([]string{"Admin", "Viewer", "SOC"}[x.random.IntN(3)], site))
		}
	}
	for range 2 {
		x.plan(access.OpAcquire, at([]string{"Admin", "SOC"}[x.random.IntN(2)], 3))
	}
	x.random.Shuffle(len(x.coming), func(i, j int) { x.coming[i], x.coming[j] = x.coming[j], x.coming[i] })
	return x
}

// plan adds a change that is to come.
func (x *interleaving) plan(op access.Op, h access.Holding) {
	x.planned++
	id := fmt.Sprintf("%s-%d", x.name, x.planned)
	x.coming = append(x.coming, &randomChange{in: x.change(op, lease(id, h))})
}

// pass lets things happen at random, and then everything come to its end.
func (x *interleaving) pass() {
	x.t.Helper()
	for range 60 {
		x.step()
	}
	x.settleAll()
	x.now = x.now.Add(visibilityDelay)
	x.arrive()
	if !x.confirmAll() { // what arrived late after all other changes is restored by the next one
		x.plan(access.OpGrant, x.viewer)
		x.settleAll()
	}
	if x.byHand != "" {
		x.truth[x.edited.ScopeID] = x.byHand
	}
	is := map[string]string{}
	for _, h := range x.held().Held {
		is[h.ScopeID] = h.RoleID
	}
	for site := range x.mayLack {
		if is[site] == "" {
			delete(x.truth, site)
		}
	}
	if !maps.Equal(x.truth, is) {
		x.t.Errorf("the principal holds (by site) %v, and should hold %v", is, x.truth)
	}
}

// settleAll repeats what is left to do until it is done.
func (x *interleaving) settleAll() {
	x.t.Helper()
	for tries := 0; len(x.coming)+len(x.open) > 0; tries++ {
		if tries > 200 {
			x.t.Fatalf("%d changes do not settle:\n%s", len(x.open), strings.Join(x.lines, "\n"))
		}
		x.request()
		x.attempt(x.open[0], arrives)
		x.now = x.now.Add(5 * time.Second)
		x.arrive()
	}
}

// confirmAll reads again until one of the releases is confirmed. It reports whether there is one.
func (x *interleaving) confirmAll() bool {
	x.t.Helper()
	for range 20 {
		found, err := x.readAgain()
		if err == nil {
			return found
		}
		x.now = x.now.Add(5 * time.Second)
	}
	x.t.Fatalf("no release is confirmed:\n%s", strings.Join(x.lines, "\n"))
	return false
}

// step is one thing that happens.
func (x *interleaving) step() {
	x.t.Helper()
	x.now = x.now.Add(time.Duration(x.random.IntN(3000)) * time.Millisecond)
	x.arrive()
	switch n := x.random.IntN(20); {
	case n < 4:
		x.request()
	case n < 6:
		x.now = x.now.Add(time.Duration(x.random.IntN(20)) * time.Second)
	case n < 8:
		x.editOtherSite()
	case n < 9:
		_, _ = x.readAgain()
	case len(x.open) > 0:
		f := arrives
		if x.random.IntN(2) == 0 {
			f = cutBefore + fate(x.random.IntN(int(fates-cutBefore)))
		}
		x.attempt(x.open[x.random.IntN(len(x.open))], f)
	}
}

// arrive lets the console have what is due. A write that only removes roles looks like somebody who removes them by
// hand: they may stay away. Nothing may stay that should not be there.
func (x *interleaving) arrive() {
	x.t.Helper()
	for {
		before := x.held()
		one, err := x.wire.arrive()
		require.NoError(x.t, err)
		if !one {
			return
		}
		x.unseen = true
		x.say("a late request arrives: %v", x.held().Held)
		for _, was := range []access.Holdings{before, x.proven} {
			if !removesOnly(was, x.held()) {
				continue
			}
			for _, h := range was.Held {
				if !slices.Contains(x.held().Held, h) {
					x.mayLack[h.ScopeID] = true
				}
			}
		}
	}
}

// request makes one of the changes that are to come.
func (x *interleaving) request() {
	if len(x.coming) > 0 {
		x.open, x.coming = append(x.open, x.coming[0]), x.coming[1:]
	}
}

// editOtherSite adds or replaces a role by hand, unless a write is under way, which would undo it, or has arrived late
// and was not seen yet: then nobody can tell what the edit was.
func (x *interleaving) editOtherSite() {
	x.t.Helper()
	if len(x.wire.late) > 0 || x.unseen || len(x.unused) == 0 {
		return
	}
	was := access.HeldRole{RoleID: x.byHand, ScopeID: x.edited.ScopeID}
	if x.byHand != "" {
		require.NoError(x.t, x.console.TakeRole(access.User, x.who.ID, access.SiteLevel, was))
	}
	x.byHand, x.unused = x.unused[0], x.unused[1:]
	require.NoError(x.t, x.console.GiveRole(access.User, x.who.ID, access.SiteLevel,
		access.HeldRole{RoleID: x.byHand, ScopeID: x.edited.ScopeID}))
	x.say("by hand: %q at site %s", x.byHand, x.edited.ScopeID)
}

// readAgain confirms one of the releases that are proven, if there is any. An error is one that is retried.
func (x *interleaving) readAgain() (found bool, err error) {
	x.t.Helper()
	released := slices.DeleteFunc(slices.Clone(x.settled), func(c *randomChange) bool {
		return c.outcome != access.Released
	})
	if len(released) == 0 {
		return false, nil
	}
	c := released[x.random.IntN(len(released))]
	_, err = x.principal.readAgain(x.outside(x.t.Context()), wire.ConfirmInput{
		Writer: x.who, Key: c.in.Change.Key, Request: c.in.Change.Request, Absent: []access.Holding{},
	})
	require.False(x.t, err != nil && fault.KindOf(err).Final(), "%v", err)
	if errors.Is(err, errRestored) {
		x.unseen = false
	}
	x.say("%s is read again: %v; %v", c.in.Change.Key, err, x.held().Held)
	return true, err
}

func (x *interleaving) outside(ctx context.Context) context.Context {
	return attempt.Outside(ctx, attempt.Runtime{
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)), Metrics: client.MetricsNopHandler,
		Number: 1, Since: x.now,
	})
}

// attempt is one attempt at a change, with the fate of one of its requests.
func (x *interleaving) attempt(c *randomChange, f fate) {
	x.t.Helper()
	ctx, cancel := context.WithCancel(x.t.Context())
	defer cancel()
	x.wire.cancel, x.wire.fate, x.wire.left = cancel, f, x.random.IntN(3)
	x.wire.delay = time.Duration(x.random.IntN(60)) * time.Second
	out, err := x.write(x.outside(ctx), c.in)
	x.wire.fate = arrives
	x.say("%s, fate %d: %s %v; %v", c.in.Change.Key, f, out.Proof.Outcome, err, x.held().Held)
	if err != nil {
		final := !errors.Is(err, errProcessKilled) && ctx.Err() == nil && fault.KindOf(err).Final()
		require.False(x.t, final, "%v", err)
		return
	}
	c.outcome, x.unseen, x.proven = out.Proof.Outcome, false, out.Proof.After
	x.open = slices.DeleteFunc(x.open, func(o *randomChange) bool { return o == c })
	x.settled = append(x.settled, c)
	if c.op() == access.OpAcquire {
		release := x.change(access.OpRelease, c.in.Change.Change.Lease)
		x.open = append(x.open, &randomChange{in: release})
	}
}

// write is one attempt; where its process is killed, its lock ends.
func (x *interleaving) write(ctx context.Context, in wire.WriteInput) (out wire.WriteResult, err error) {
	defer func() {
		if v := recover(); v == errProcessKilled { //nolint:errorlint // a value that is not wrapped
			err = errProcessKilled
		} else if v != nil {
			panic(v)
		}
	}()
	return x.principal.write(ctx, in, nil)
}

func (x *interleaving) say(format string, args ...any) {
	x.lines = append(x.lines, x.now.Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}
