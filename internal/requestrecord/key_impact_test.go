package requestrecord

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

const (
	stolen = "SHA256:stolen+key/stolen+key/stolen+key/stolen+key/x"
	safe   = "SHA256:safe"
)

// keyLedger records requests that one key or another signed.
type keyLedger struct {
	t  *testing.T
	db *store.Store
}

func newKeyLedger(t *testing.T) keyLedger {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "test.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return keyLedger{t, db}
}

func (l keyLedger) reader() Reader { return Reader{Store: l.db, Console: host} }

func (l keyLedger) append(run ledger.Run, key string, at time.Time, body ledger.Body) {
	l.t.Helper()
	_, err := l.db.Append(l.t.Context(), host, ledger.NewEntry{
		Request: run.Request, Key: run.String() + "/" + key, At: at, Body: body,
	})
	require.NoError(l.t, err)
}

// oneStep is a grant of a role that needs one approval.
func oneStep(op access.Op, duration time.Duration) access.Plan {
	p := twoSteps()
	p.Op, p.Terms.Duration = op, access.Duration(duration)
	p.Approval.Steps = []access.ApprovalStep{{Need: 1, Groups: []string{access.Anyone}, People: []string{}}}
	return p.Seal()
}

func (l keyLedger) request(id string, plan access.Plan, key string) ledger.Run {
	l.t.Helper()
	run := ledger.Run{Request: "grant/" + id, ID: "r-" + id}
	l.append(run, "request", noon, ledger.Request{Plan: plan, Signature: &access.RequestSignature{Signed: key}})
	return run
}

func (l keyLedger) decide(run ledger.Run, plan access.Plan, action, by, key string) {
	l.t.Helper()
	l.append(run, "decision/0", noon.Add(time.Minute), ledger.Decision{Decision: access.Decision{
		At: noon.Add(time.Minute), By: by, Action: action, Signed: key, PlanHash: plan.Hash,
	}})
}

// apply records that the role was given at one.
func (l keyLedger) apply(run ledger.Run, op access.Op) {
	l.t.Helper()
	change := access.ChangeKey(run.String(), op)
	at := noon.Add(time.Hour)
	l.append(run, string(op)+"/write/0", at, ledger.Write{Roles: &ledger.RoleWrite{}})
	l.append(run, string(op)+"/proof", at.Add(time.Second), ledger.Proof{
		Proof: access.Proof{Op: op, Key: change, Outcome: access.Applied, Reads: []access.Read{{At: at}}},
		Roles: &ledger.RoleProof{},
	})
}

func (l keyLedger) close(run ledger.Run, plan access.Plan, state string) {
	l.t.Helper()
	l.append(run, "receipt", noon.Add(2*time.Hour), ledger.Receipt{Receipt: access.Receipt{
		Request: run.Request, Run: run.ID, Plan: plan, State: state,
	}.Seal()})
}

// Each request that rests on the key is listed with how far it is, until when, and what
// becomes of it; those that rest on another key are not.
func TestKeyImpact(t *testing.T) {
	t.Parallel()
	l := newKeyLedger(t)
	timed, permanent := oneStep(access.OpAcquire, 4*time.Hour), oneStep(access.OpGrant, 0)

	l.request("PENDING", timed, stolen)
	approved := l.request("APPROVED", timed, safe)
	l.decide(approved, timed, approval.Approve, carol, stolen)
	held := l.request("HELD", timed, safe)
	l.decide(held, timed, approval.Approve, carol, stolen)
	l.apply(held, access.OpAcquire)
	extended := l.request("EXTENDED", timed, stolen)
	l.decide(extended, timed, approval.Approve, carol, safe)
	l.apply(extended, access.OpAcquire)
	l.append(extended, "extend-1/extension", noon.Add(2*time.Hour), ledger.Extension{Extension: access.Extension{
		EndsAt: noon.Add(9 * time.Hour),
	}})
	forever := l.request("FOREVER", permanent, safe)
	l.decide(forever, permanent, approval.Approve, carol, stolen)
	l.apply(forever, access.OpGrant)
	l.close(forever, permanent, "granted")
	over := l.request("OVER", timed, stolen)
	l.apply(over, access.OpAcquire)
	l.close(over, timed, "expired")
	denied := l.request("DENIED", timed, safe)
	l.decide(denied, timed, approval.Deny, carol, stolen)
	other := l.request("OTHER", timed, safe)
	l.decide(other, timed, approval.Approve, carol, safe)

	got, err := l.reader().KeyImpact(t.Context(), stolen, noon)
	require.NoError(t, err)
	type line struct {
		id, signed string
		state      KeyUseState
		until      string
	}
	lines := func(uses []KeyUse) (out []line) {
		for _, u := range uses {
			until := ""
			if u.Until != nil {
				until = u.Until.Format("15:04")
			}
			require.Len(t, u.Signed, 1, u.ID)
			out = append(out, line{u.ID, u.Signed[0], u.State, until})
		}
		return out
	}
	require.Equal(t, []line{
		{"grant/PENDING", "the request of bob@example.com", KeyPending, ""},
		{"grant/APPROVED", "the approval of carol@example.com", KeyApproved, ""},
		{"grant/HELD", "the approval of carol@example.com", KeyHeld, "17:00"},
		{"grant/EXTENDED", "the request of bob@example.com", KeyHeld, "21:00"},
		{"grant/FOREVER", "the approval of carol@example.com", KeyPermanent, ""},
	}, lines(got.Requests))
	require.Equal(t, []line{
		{"grant/OVER", "the request of bob@example.com", KeyEnded, ""},
		{"grant/DENIED", "the denial of carol@example.com", KeyEnded, ""},
	}, lines(got.Ended))
	require.Contains(t, got.Requests[0].IfRevoked, "ends refused (unauthorized)")
	require.Contains(t, got.Requests[1].IfRevoked, "ends refused (unauthorized)")
	require.Contains(t, got.Requests[2].IfRevoked, "goes on to its end, and cannot be extended on this signature")
	require.Contains(t, got.Requests[4].IfRevoked, "stays: `starter revoke` removes it")
	require.Equal(t, "grant user ana@example.com (401) role SOC (302) at site Acme / Berlin (201), for 4h",
		got.Requests[2].What)

	none, err := l.reader().KeyImpact(t.Context(), "SHA256:unknown", noon)
	require.NoError(t, err)
	require.Empty(t, none.Requests)
	require.Empty(t, none.Ended)
}

// Emergency access that was not reviewed yet is held until its review, also a permanent one.
func TestKeyImpact_BreakGlass(t *testing.T) {
	t.Parallel()
	l := newKeyLedger(t)
	plan := oneStep(access.OpGrant, 0)
	plan.Approval = access.Approval{Review: &access.Review{
		ApprovalStep: plan.Approval.Steps[0], Within: access.Duration(24 * time.Hour),
	}}
	plan = plan.Seal()
	l.apply(l.request("GLASS", plan, stolen), access.OpAcquire)
	got, err := l.reader().KeyImpact(t.Context(), stolen, noon)
	require.NoError(t, err)
	require.Len(t, got.Requests, 1)
	require.Equal(t, KeyHeld, got.Requests[0].State)
	require.Equal(t, noon.Add(25*time.Hour), *got.Requests[0].Until)
}

// A decision rests on the key of the delegator too; a delegation in force is listed by
// itself. Decisions that did not count are not listed, nor is a signature that did not hold.
func TestKeyImpact_Delegations(t *testing.T) {
	t.Parallel()
	l := newKeyLedger(t)
	plan := oneStep(access.OpAcquire, time.Hour)
	delegation := access.Delegation{
		By: carol, To: dave, At: noon, Until: noon.Add(48 * time.Hour), Console: host, Request: "delegate/1",
		Signed: stolen,
	}
	run := ledger.Run{Request: "delegate/1", ID: "r1"}
	entries, err := l.db.Append(t.Context(), host, ledger.NewEntry{
		Request: run.Request, Key: run.DelegationKey(), At: noon,
		Body: ledger.Delegation{Delegation: delegation, Message: "m"},
	})
	require.NoError(t, err)
	require.NoError(t, l.db.KeepDelegation(t.Context(), entries[0].Seq, delegation))
	handed := l.request("HANDED", plan, safe)
	l.append(handed, "decision/0", noon.Add(time.Minute), ledger.Decision{Decision: access.Decision{
		At: noon.Add(time.Minute), By: dave, OnBehalfOf: carol, Delegation: &delegation, Action: approval.Approve,
		Signed: safe, PlanHash: plan.Hash,
	}})
	refused := l.request("REFUSED", plan, access.Unsigned)
	l.append(refused, "decision/0", noon, ledger.Decision{
		Decision: access.Decision{At: noon, By: carol, Action: approval.Approve, Signed: stolen, PlanHash: plan.Hash},
		Refusal:  "carol may not",
	})
	got, err := l.reader().KeyImpact(t.Context(), stolen, noon.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, got.Requests, 1)
	require.Equal(t, []string{"the delegation from carol@example.com for the approval of dave@example.com"},
		got.Requests[0].Signed)
	require.Len(t, got.Delegations, 1)
	require.Equal(t, dave, got.Delegations[0].To)
	require.Contains(t, got.Delegations[0].IfRevoked, "counts for nothing from then on")

	later, err := l.reader().KeyImpact(t.Context(), stolen, noon.Add(72*time.Hour))
	require.NoError(t, err)
	require.Empty(t, later.Delegations, "its time is over")
}

// An id that was used again has each of its runs listed. An entry that cannot be read is an
// error beside the rest.
func TestKeyImpact_RunsAndUnreadable(t *testing.T) {
	t.Parallel()
	l := newKeyLedger(t)
	plan := oneStep(access.OpAcquire, time.Hour)
	first := l.request("TWICE", plan, stolen)
	l.close(first, plan, "cancelled")
	second := ledger.Run{Request: first.Request, ID: "r2"}
	l.append(second, "request", noon, ledger.Request{Plan: plan, Signature: &access.RequestSignature{Signed: stolen}})
	got, err := l.reader().KeyImpact(t.Context(), stolen, noon)
	require.NoError(t, err)
	require.Len(t, got.Requests, 1)
	require.Equal(t, "r2", got.Requests[0].Run)
	require.Len(t, got.Ended, 1)

	keys, err := l.reader().Keys(t.Context())
	require.NoError(t, err)
	require.Empty(t, keys)
	const statement = "sentinelone-provisioner statement 1\nkind: request\nby: bob@example.com\n"
	_, err = l.db.Append(t.Context(), host, ledger.NewEntry{
		Request: second.Request, Key: ledger.SignatureKey([]byte(statement)), At: noon,
		Body: ledger.Signature{UsedFor: "x", Statement: statement, Signed: stolen},
	})
	require.NoError(t, err)
	keys, err = l.reader().Keys(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]string{stolen: "bob@example.com"}, keys)
}
