package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/wire"
)

// inFlight is how much older than a write what authorized it may be: the time between the
// judgement and the console's own clock.
const inFlight = 5 * time.Second

// leads are who may approve, by the policy of the stack.
var leads = []string{"carol@example.com", "dave@example.com", "gus@example.com", "henry@example.com"}

// onRecord is what the ledger has about one run, read without package authority.
type onRecord struct {
	run       ledger.Run
	plans     []timed[ledger.Request]
	decisions []timed[ledger.Decision]
	stops     []timed[ledger.Stop]
	writes    []time.Time // of changes that give access
	receipt   time.Time
}

type timed[T any] struct {
	at   time.Time
	body T
}

// records reads the whole ledger, by run.
func (w *walk) records() (out []*onRecord) {
	w.t.Helper()
	by := map[ledger.Run]*onRecord{}
	for _, e := range w.allEntries() {
		run := ledger.RunOf(e)
		if run.ID == "" {
			continue
		}
		if by[run] == nil {
			by[run] = &onRecord{run: run}
			out = append(out, by[run])
		}
		body, err := ledger.Decode(e)
		require.NoError(w.t, err)
		r := by[run]
		switch b := body.(type) {
		case ledger.Request:
			r.plans = append(r.plans, timed[ledger.Request]{e.At, b})
		case ledger.Decision:
			r.decisions = append(r.decisions, timed[ledger.Decision]{e.At, b})
		case ledger.Stop:
			r.stops = append(r.stops, timed[ledger.Stop]{e.At, b})
		case ledger.Write:
			if strings.HasSuffix(ledger.ChangeOf(e), "/acquire") || strings.HasSuffix(ledger.ChangeOf(e), "/grant") {
				r.writes = append(r.writes, e.At)
			}
		case ledger.Receipt:
			r.receipt = e.At
		}
	}
	return out
}

// judge holds every change of the console against the ledger.
func (w *walk) judge() {
	w.t.Helper()
	changes, records := w.console.Changes(), w.records()
	for n, c := range changes {
		if c.By != consoletest.ByAPI {
			continue
		}
		require.False(w.t, c.Created || c.Deleted, "nobody has requested that an account is created or deleted: %+v", c)
		for _, h := range added(c) {
			if givesBack(changes[:n], c, h) {
				continue
			}
			var why []string
			if !slices.ContainsFunc(records, func(r *onRecord) bool {
				no := w.uncovered(r, c, h)
				if no != "" && no != somethingElse {
					why = append(why, r.run.String()+": "+no)
				}
				return no == ""
			}) {
				require.Fail(w.t, "a role was given without authority",
					"%+v gives %+v\n%s", c, h, strings.Join(why, "\n"))
			}
		}
		for _, h := range removed(c) {
			require.True(w.t, replaced(c, h) || givenBefore(changes[:n], c.ID, h),
				"a role was removed that was there before us: %+v loses %+v", c, h)
		}
	}
}

func added(c consoletest.Change) []access.Holding   { return minus(c.After, c.Before) }
func removed(c consoletest.Change) []access.Holding { return minus(c.Before, c.After) }

func minus(a, b access.Holdings) (out []access.Holding) {
	for _, h := range a.Held {
		held := access.Holding{Level: a.Level, RoleID: h.RoleID, ScopeID: h.ScopeID}
		if !b.Holds(held) {
			out = append(out, held)
		}
	}
	return out
}

// replaced says that another role has come to the scope in the same write.
func replaced(c consoletest.Change, h access.Holding) bool {
	return slices.ContainsFunc(added(c), func(o access.Holding) bool { return o.ScopeID == h.ScopeID })
}

// givesBack says that a role comes back that a write of ours had replaced by another one,
// which goes now.
func givesBack(before []consoletest.Change, c consoletest.Change, h access.Holding) bool {
	gone := removed(c)
	return slices.ContainsFunc(before, func(o consoletest.Change) bool {
		return o.ID == c.ID && o.By == consoletest.ByAPI && slices.Contains(removed(o), h) && replaced(o, h)
	}) && slices.ContainsFunc(gone, func(o access.Holding) bool { return o.ScopeID == h.ScopeID })
}

// givenBefore says that a write of ours has given the role.
func givenBefore(before []consoletest.Change, id string, h access.Holding) bool {
	return slices.ContainsFunc(before, func(o consoletest.Change) bool {
		return o.ID == id && o.By == consoletest.ByAPI && slices.Contains(added(o), h)
	})
}

const somethingElse = "about something else"

// uncovered says why a run does not cover that a change gives a role; "" if it does.
func (w *walk) uncovered(r *onRecord, c consoletest.Change, h access.Holding) (why string) {
	if len(r.plans) == 0 || r.plans[0].at.After(c.At) {
		return somethingElse
	}
	last := r.plans[0]
	for _, p := range r.plans {
		if !p.at.After(c.At) {
			last = p
		}
	}
	plan := last.body.Plan
	switch {
	case plan.Op != access.OpGrant && plan.Op != access.OpAcquire, plan.Principal.ID != c.ID, plan.Holding() != h:
		return somethingElse
	case plan.Refusal != "":
		return "the plan is refused: " + plan.Refusal
	case plan.Seal().Hash != plan.Hash:
		return "the plan has another hash"
	case !r.receipt.IsZero() && c.At.Sub(r.receipt) > inFlight:
		return "it has ended"
	}
	bob, why := w.requestedBy(r)
	if why == "" {
		why = w.tooLate(r, plan, c)
	}
	if why != "" {
		return why
	}
	return w.undecided(r, plan, c, bob)
}

// undecided says what is missing in the decisions on a plan; "" if two people with keys of
// their own have approved it, and nobody has denied it before. bob is the requester's key.
func (w *walk) undecided(r *onRecord, plan access.Plan, c consoletest.Change, bob string) string {
	given, keys := 0, map[string]string{bob: "bob@example.com"}
	for _, d := range r.decisions {
		own := d.body.Decision
		if d.at.After(c.At) || own.PlanHash != plan.Hash || !slices.Contains(leads, own.By) {
			continue
		}
		key, err := w.verify(signing.OfDecision(r.run.Request, r.run.ID, plan.Hash, own), own.Signature, d.at)
		if err != nil {
			continue
		}
		if own.Action == approval.Deny && given < 2 {
			return "it was denied by " + own.By
		}
		if own.Action == approval.Approve && d.body.Refusal == "" && keys[key] == "" {
			keys[key] = own.By
			given++
		}
	}
	if given < 2 {
		return fmt.Sprintf("it has %d approvals of two", given)
	}
	return ""
}

func (w *walk) requestedBy(r *onRecord) (key, why string) {
	sig := r.plans[0].body.Signature
	if sig == nil {
		return "", "the request is not signed"
	}
	key, err := w.verify(signing.OfRequest(r.run.Request, *sig), sig.Signature, r.plans[0].at)
	switch {
	case err != nil:
		return "", "the request's signature does not count: " + err.Error()
	case sig.Request.Terms.Requester != "bob@example.com":
		return "", "somebody else than bob has requested it"
	}
	return key, ""
}

func (w *walk) verify(s signing.Statement, signature string, at time.Time) (string, error) {
	signers, err := signing.LoadAllowedSigners(w.allowed, w.revoked)
	require.NoError(w.t, err)
	v, err := signers.Verify(s, signature, at)
	return v.Fingerprint, err
}

// tooLate says why a write comes after what ends the request.
func (w *walk) tooLate(r *onRecord, plan access.Plan, c consoletest.Change) string {
	for _, s := range r.stops {
		if s.body.Refusal != "" || c.At.Sub(s.at) <= inFlight {
			continue
		}
		statement := signing.OfStop(r.run.Request, r.run.ID, s.body.Stop)
		if _, err := w.verify(statement, s.body.Signature, s.at); err == nil {
			return "it was stopped by " + s.body.By
		}
	}
	if plan.Terms.Duration == 0 || len(r.writes) == 0 {
		return ""
	}
	if end := r.writes[0].Add(time.Duration(plan.Terms.Duration)); c.At.Sub(end) > inFlight {
		return "its time was over at " + end.Format(time.RFC3339)
	}
	return ""
}

// covered counts the roles that were given.
func (w *walk) covered() (n int) {
	for _, c := range w.console.Changes() {
		if c.By == consoletest.ByAPI {
			n += len(added(c))
		}
	}
	return n
}

func (w *walk) summary() string {
	lines := strings.Split(w.deeds.text(), "\n")
	return fmt.Sprintf("%d deeds, %d runs on record, %d roles given", len(lines), len(w.records()), w.covered())
}

// overdue lists who holds a role that no permanent grant covers, and why it may still be
// there; "" if there is no reason.
func (w *walk) overdue() map[string]string {
	out := map[string]string{}
	for _, u := range w.users {
		held := w.world.HoldingsOf(u.Kind, u.ID)
		writer := w.deeds.tamperedWith(wire.PrincipalID(w.consoleKey(), u.Kind, u.ID))
		for _, h := range minus(held, u.Holdings()) {
			excuse, permanent := w.holders(u, h)
			if !permanent {
				out[u.ID+" "+h.RoleID+" "+h.ScopeID] = cmp.Or(writer, excuse)
			}
		}
	}
	return out
}

// holders says whether a permanent grant has given a role, and what the adversary has done to
// the requests that have; "" if nothing.
func (w *walk) holders(u access.Principal, h access.Holding) (excuse string, permanent bool) {
	for _, r := range w.records() {
		if len(r.plans) == 0 || len(r.writes) == 0 {
			continue
		}
		p := r.plans[len(r.plans)-1].body.Plan
		if p.Principal.ID == u.ID && p.Holding() == h {
			permanent = permanent || p.Terms.Duration == 0
			excuse = cmp.Or(excuse, w.deeds.tamperedWith(r.run.Request))
		}
	}
	return excuse, permanent
}

// requireEnds checks that time-bound roles go: by themselves where the adversary has left
// their workflows alone, else by a revoke, after an operator has terminated what is stuck.
func (w *walk) requireEnds() {
	w.t.Helper()
	require.EventuallyWithT(w.t, func(c *assertT) {
		for role, excuse := range w.overdue() {
			require.NotEmpty(c, excuse, "%s is still there, and nobody has touched its workflows", role)
		}
	}, settleWithin, time.Second)
	for _, x := range w.running(w.ctx()) {
		_ = w.client.TerminateWorkflow(w.ctx(), x.id, x.run, "the operator ends what is stuck")
	}
	left := w.overdue()
	w.t.Logf("left to the operator: %v", left)
	n := 0
	for role := range left {
		part := strings.Fields(role)
		for _, u := range w.users {
			if u.ID == part[0] {
				n++
				h := access.Holding{Level: access.SiteLevel, RoleID: part[1], ScopeID: part[2]}
				got := w.result(w.signedRevoke(fmt.Sprintf("/left-%d", n), u, h))
				require.Equal(w.t, wire.StateRevoked, got.State, "%s: %s", role, got.Message)
			}
		}
	}
	require.Empty(w.t, w.overdue())
}

// signedRevoke is bob's.
func (w *walk) signedRevoke(name string, u access.Principal, h access.Holding) client.WorkflowRun {
	w.t.Helper()
	from := w.inputFor(u, h, "")
	in := wire.RevokeInput{
		Principal: from.Principal, Role: from.Role, Scope: from.Scope, Requester: from.Requester, Reason: from.Reason,
		Console: w.consoleKey(),
	}
	id, at := wire.RevokeID(w.t.Name()+name), w.now()
	in.Sign(w.sign(in.Requester, signing.OfRequest(id, access.RequestSignature{Request: in.Spec(), SignedAt: at})), at)
	return w.start(id, wire.RevokeType, in)
}
