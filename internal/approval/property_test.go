package approval_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
)

// oracle judges decisions in the plainest way: it keeps what was accepted, and works out
// everything else from the beginning for each question.
type oracle struct {
	plan      access.Plan
	requester string // key
	accepted  []access.Decision
	timedOut  bool
}

// at walks through what was accepted: the open step, and whether it is denied.
func (o *oracle) at() (step int, denied bool) {
	given := 0
	for _, d := range o.accepted {
		if d.Action == "deny" {
			return step, true
		}
		if given++; given == o.plan.Approval.Steps[step].Need {
			step, given = step+1, 0
		}
	}
	return step, false
}

func (o *oracle) verdict() approval.Verdict {
	step, denied := o.at()
	switch {
	case denied:
		return "denied"
	case step == len(o.plan.Approval.Steps):
		return "approved"
	case o.timedOut:
		return "timedOut"
	}
	return ""
}

// may says whether the policy lets somebody decide at one of the steps at that time.
func (o *oracle) may(who, action string, at time.Time) bool {
	a := o.plan.Approval
	first, _ := o.at()
	for i, s := range a.Steps {
		if i < first || i > first && action == "approve" {
			continue
		}
		late := a.EscalateAfter > 0 && !at.Before(noon.Add(time.Duration(a.EscalateAfter)))
		if slices.Contains(s.Groups, "anyone") || slices.Contains(s.People, who) ||
			late && slices.Contains(a.EscalateTo, who) {
			return true
		}
	}
	return false
}

func (o *oracle) accepts(d access.Decision, came time.Time) bool {
	if o.verdict() != "" || !came.Before(noon.Add(time.Duration(o.plan.Approval.DecideWithin))) {
		return false
	}
	if o.usedUp(d.By) || o.usedUp(d.OnBehalfOf) {
		return false
	}
	if !o.may(d.By, d.Action, d.At) && (d.OnBehalfOf == "" || !o.may(d.OnBehalfOf, d.Action, d.At)) {
		return false
	}
	for _, key := range o.keys(d) {
		taken := key == o.requester
		for _, e := range o.accepted {
			taken = taken || slices.Contains(o.keys(e), key)
		}
		if taken && d.Action == "approve" {
			return false
		}
	}
	return true
}

// usedUp says that somebody never decides, or has, or that another has for them.
func (o *oracle) usedUp(who string) bool {
	for _, e := range o.accepted {
		if who != "" && (who == e.By || who == e.OnBehalfOf) {
			return true
		}
	}
	return who == bob || who == ana
}

func (o *oracle) keys(d access.Decision) []string {
	var out []string
	if d.Signed != "unsigned" {
		out = append(out, d.Signed)
	}
	if d.Delegation != nil && d.Delegation.Signed != "unsigned" {
		out = append(out, d.Delegation.Signed)
	}
	return out
}

// world makes random approvals, delegations and decisions. Some people share a key.
type world struct {
	*rand.Rand

	people      []string
	keys        map[string]string
	delegations []access.Delegation
}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 9)), keys: map[string]string{}}
	w.people = []string{ana, bob, carol, dave, erin, frank, "gina@example.com"}
	for _, p := range w.people {
		switch w.IntN(3) {
		case 0:
			w.keys[p] = access.Unsigned
		case 1:
			w.keys[p] = fmt.Sprint("key ", w.IntN(4)) // one of few
		default:
			w.keys[p] = "key of " + p
		}
	}
	for range w.IntN(20) {
		d := delegation(w.anybody(), w.anybody())
		d.At, d.Signed = after(w.minutes(200)), w.keys[d.By]
		d.Until = d.At.Add(w.minutes(400))
		w.delegations = append(w.delegations, d)
	}
	return w
}

func (w *world) anybody() string { return w.people[w.IntN(len(w.people))] }

func (w *world) minutes(n int) time.Duration { return time.Duration(w.IntN(n)) * time.Minute }

func (w *world) some() []string {
	return slices.DeleteFunc(slices.Clone(w.people), func(string) bool { return w.IntN(2) == 0 })
}

func (w *world) plan() access.Plan {
	var steps []access.ApprovalStep
	for range 1 + w.IntN(3) {
		step := stepOf(1+w.IntN(2), w.some()...)
		if w.IntN(5) == 0 {
			step = anyone(step.Need)
		}
		steps = append(steps, step)
	}
	p := planOf(steps...)
	if w.IntN(3) > 0 {
		p.Approval.EscalateAfter, p.Approval.EscalateTo = access.Duration(w.minutes(500)), w.some()
	}
	return p.Seal()
}

// decides makes a random decision, by way of a delegation where that is needed and there
// is one, as the worker does.
func (w *world) decides(s approval.State, at, came time.Time) access.Decision {
	by := w.anybody()
	d := access.Decision{At: at, By: by, Action: approval.Approve, Signed: w.keys[by]}
	if w.IntN(12) == 0 {
		d.Action = approval.Deny
	}
	d = s.Stamp(d, came)
	if r := s.Check(d, came); r != nil && (r.Reason == approval.NotEligible || r.Reason == approval.NotEscalated) {
		holds := func(access.Delegation) (why, err error) { return nil, nil }
		found, _, _ := approval.FindDelegation(w.delegations, s.Delegators(d.Action), by, at, holds)
		if found != nil {
			d.OnBehalfOf, d.Delegation = found.By, found
			d = s.Stamp(d, came)
		}
	}
	return d
}

// Whatever is decided, delegated and escalated, by anybody, whenever: the machine accepts
// what the oracle does, comes to the same verdict, and so does a replay of the record,
// what was refused included.
func TestMachine_AgainstOracle(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(4000) {
		w := newWorld(seed)
		plan := w.plan()
		s := approval.Of(plan, noon)
		s.Request.Key = w.keys[bob]
		o := &oracle{plan: plan, requester: w.keys[bob]}
		var all []access.Decision
		for at, came, i := noon, noon, 0; i < 14; i++ {
			at = at.Add(w.minutes(90))
			came = came.Add(at.Sub(came) / time.Duration(1+w.IntN(3)))
			s = runTimers(s, o, at, came)
			d := w.decides(s, at, came)
			want, refusal := o.accepts(d, came), s.Check(d, came)
			require.Equal(t, want, refusal == nil, "seed %d: %+v: %s", seed, d, refusal.Sentence())
			requireEligible(t, seed, s, w, d, came)
			all = append(all, d)
			if want {
				o.accepted = append(o.accepted, d)
				s = s.Record(d)
				count(seen, d)
			}
			step, _ := o.at()
			require.Equal(t, step, s.Step, "seed %d", seed)
			require.Equal(t, o.verdict(), s.Verdict, "seed %d", seed)
		}
		seen[string(s.Verdict)]++
		requireReplay(t, seed, s, o, all)
		requireCovered(t, seed, o)
	}
	for _, what := range []string{"approved", "denied", "timedOut", "delegated", "escalated", "both"} {
		require.Greater(t, seen[what], 20, "the runs must reach everything: %v", seen)
	}
}

// runTimers does what is due. The deadline waits for a decision that came before it.
func runTimers(s approval.State, o *oracle, at, came time.Time) approval.State {
	for next := s.NextTimer(noon); !next.IsZero() && !next.After(at); next = s.NextTimer(at) {
		if next.Equal(s.Deadline) && came.Before(s.Deadline) {
			break
		}
		s, _ = s.OnTimer(next)
		o.timedOut = s.Verdict == approval.TimedOut
	}
	return s
}

func count(seen map[string]int, d access.Decision) {
	if d.OnBehalfOf != "" {
		seen["delegated"]++
	}
	if !d.EscalatedAt.IsZero() {
		seen["escalated"]++
	}
	if d.OnBehalfOf != "" && !d.EscalatedAt.IsZero() {
		seen["both"]++
	}
}

// requireReplay takes the record through a replay that knows only when it was requested.
func requireReplay(t *testing.T, seed uint64, s approval.State, o *oracle, all []access.Decision) {
	t.Helper()
	fresh := approval.Of(o.plan, noon.Add(-time.Hour))
	fresh.Request.Key, fresh.Deadline = o.requester, time.Time{}
	got := approval.Replay(fresh, all)
	require.Equal(t, append([]access.Decision{}, o.accepted...), got.State.Decisions, "seed %d", seed)
	require.Len(t, got.NotCounted, len(all)-len(o.accepted), "seed %d", seed)
	if s.Verdict != approval.TimedOut {
		require.Equal(t, s.Verdict, got.State.Verdict, "seed %d", seed)
	}
	require.Equal(t, s.Step, got.State.Step, "seed %d", seed)
}

// requireEligible holds the eligibility against the check of the decision, which may fail
// for its key besides.
func requireEligible(
	t *testing.T, seed uint64, s approval.State, w *world, d access.Decision, came time.Time,
) {
	t.Helper()
	if !came.Equal(d.At) {
		return // eligibility is of one moment
	}
	got := s.Eligibility(d.By, d.Action, d.At, w.delegations...)
	counts := s.Check(d, came)
	require.Equal(t, counts == nil || counts.Reason == approval.SameKey, got.Eligible, "seed %d: %+v", seed, d)
	if got.Eligible {
		require.Equal(t, d.Delegation, got.Delegation, "seed %d: %+v", seed, d)
		require.Equal(t, d.EscalatedAt, got.EscalatedAt, "seed %d: %+v", seed, d)
	}
}

// requireCovered writes the change a day after all that was decided: it is covered if
// that approves it, and if nothing else does.
func requireCovered(t *testing.T, seed uint64, o *oracle) {
	t.Helper()
	r := approval.Record{
		Plan: o.plan, RequesterKey: o.requester, AskedAt: noon.Add(-time.Hour), Decisions: o.accepted,
	}
	c := change(o.plan)
	c.At = after(48 * time.Hour)
	c.Start, c.End = c.At, c.At.Add(4*time.Hour)
	_, refusal := r.Covers(c)
	require.Equal(t, o.verdict() == approval.Approved, refusal == nil, "seed %d: %s", seed, refusal.Sentence())
}
