package claims_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/claims"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const acme = "acmeco.sentinelone.net"

var (
	noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	ana  = access.PrincipalRef{Kind: access.User, ID: "401", Email: "ana@example.com"}

	viewer = access.Holding{Level: access.SiteLevel, RoleID: "301", ScopeID: "200"}
	soc    = access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "201"}
	admin  = access.Holding{Level: access.SiteLevel, RoleID: "303", ScopeID: "201"}
)

const nobodyAsked = "rules:\n  - {name: all, permanent: true, autoApprove: true}\n"

// world is a ledger and the principal whose changes it records.
type world struct {
	*testing.T

	s      *store.Store
	p      claims.Projector
	policy *policy.Policy
	now    time.Time
	known  access.OwnershipState
	shown  access.Holdings
	broken error // of the policy
}

// onBoth runs a test on a fresh SQLite and on a fresh PostgreSQL database.
func onBoth(t *testing.T, test func(w *world)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": pgtest.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newWorld(t, url(t)))
		})
	}
}

func sqliteURL(tb testing.TB) string {
	tb.Helper()
	return "sqlite://" + filepath.Join(tb.TempDir(), "test.db")
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	w := &world{T: t, s: s, now: noon, shown: holdings(viewer)}
	w.policy, err = policy.Parse("policy.yaml", []byte(nobodyAsked))
	require.NoError(t, err)
	w.p = claims.Projector{Store: s, Console: acme, Judge: authority.Judge{
		Console: acme,
		Policy:  func(context.Context, string) (*policy.Policy, error) { return w.policy, w.broken },
		Delegated: func(context.Context, access.Delegation, time.Time) (string, error) {
			return "", w.broken
		},
	}}
	return w
}

func holdings(list ...access.Holding) access.Holdings {
	var out access.Holdings
	for _, h := range list {
		out.Level = h.Level
		out.Held = append(out.Held, access.HeldRole{RoleID: h.RoleID, ScopeID: h.ScopeID})
	}
	return out.Normal()
}

func (w *world) append(request, key string, body ledger.Body) {
	w.Helper()
	_, err := w.s.Append(w.Context(), acme, ledger.NewEntry{Request: request, Key: key, At: w.now, Body: body})
	require.NoError(w, err)
}

// request is one run of a request about a role.
type request struct {
	*world

	run  ledger.Run
	plan access.Plan
}

// requested puts a request and its plan on record.
func (w *world) requested(name string, op access.Op, h access.Holding, d time.Duration) request {
	w.Helper()
	plan := access.Plan{
		Op: op, Console: acme, Principal: ana, Role: access.RoleRef{ID: h.RoleID},
		Scope: access.ScopeRef{Level: h.Level, ID: h.ScopeID},
		Terms: access.Terms{Requester: "bob@example.com", Duration: access.Duration(d)}, Before: w.shown,
	}
	plan.Approval.Hash = w.policy.Hash()
	return w.planned(name, plan)
}

func (w *world) planned(name string, plan access.Plan) request {
	w.Helper()
	r := request{world: w, run: ledger.Run{Request: name, ID: "run"}, plan: plan.Seal()}
	w.append(name, r.run.RequestKey(0), ledger.Request{Plan: r.plan, Facts: &ledger.Facts{}})
	return r
}

func (r request) change(op access.Op) access.Change {
	c := access.Change{Op: op, Rules: r.plan.Rules, Lease: access.Lease{ID: r.run.String(), Holding: r.plan.Holding()}}
	if op == access.OpAcquire && r.plan.Terms.Duration > 0 {
		c.Lease.End = r.now.Add(time.Duration(r.plan.Terms.Duration))
	}
	return c.WithScopes(r.plan)
}

// written puts on record that a change is about to be sent.
func (r request) written(op access.Op) access.Step {
	r.Helper()
	step := r.known.Apply(r.change(op), r.shown)
	r.append(r.run.Request, ledger.WriteKey(access.ChangeKey(r.run.String(), op), 0), ledger.Write{
		Principal: &ledger.Subject{Kind: ana.Kind, ID: ana.ID},
		Write:     access.Write{At: r.now, Before: step.Before, After: step.After},
		Roles:     &ledger.RoleWrite{Step: step},
	})
	return step
}

// done puts a change and its proof on record.
func (r request) done(op access.Op) {
	r.Helper()
	step := r.known.Apply(r.change(op), r.shown)
	if step.Writes() {
		step = r.written(op)
	}
	key := access.ChangeKey(r.run.String(), op)
	r.known, r.shown = step.Next, step.After
	r.append(r.run.Request, ledger.ProofKey(key), ledger.Proof{
		Principal: &ledger.Subject{Kind: ana.Kind, ID: ana.ID},
		Proof: access.Proof{
			Op: op, Key: key, Outcome: step.Outcome, Scopes: step.Scopes, Before: step.Before, After: step.After,
			Reads: []access.Read{{At: r.now, Holdings: step.After}},
		},
		Roles: &ledger.RoleProof{Next: step.Next},
	})
}

func (r request) closed(state string) {
	r.Helper()
	r.append(r.run.Request, r.run.ReceiptKey(), ledger.Receipt{Receipt: access.Receipt{
		Request: r.run.Request, Run: r.run.ID, Plan: r.plan, State: state, FinishedAt: r.now,
	}})
}

func (w *world) later(d time.Duration) { w.now = w.now.Add(d) }

// claims are those of ana, up to date.
func (w *world) claims() []store.Claim {
	w.Helper()
	require.NoError(w, w.p.CatchUp(w.Context()))
	out, err := w.s.ClaimsOf(w.Context(), acme, ledger.Subject{Kind: ana.Kind, ID: ana.ID})
	require.NoError(w, err)
	return out
}

// claim is the only one of ana.
func (w *world) claim() store.Claim {
	w.Helper()
	all := w.claims()
	require.Len(w, all, 1)
	return all[0]
}
