package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

// Each entry answers the question it was appended for, also where the activity finds out
// something else the next time.
func TestCheckAnswer_Same(t *testing.T) {
	t.Parallel()
	for name, body := range bodies() {
		require.NoError(t, ledger.CheckAnswer(entryOf(t, body), body), name)
	}
	d := bodies()["decision"].(ledger.Decision)
	kept := entryOf(t, d)
	d.Refusal, d.Decision.Signed, d.Decision.At, d.Decision.Step = "", "SHA256:abc", noon.Add(1), 3
	require.NoError(t, ledger.CheckAnswer(kept, d))
	r := bodies()["request"].(ledger.Request)
	kept = entryOf(t, r)
	r.Plan.Before, r.Plan.Refusal = access.Holdings{}, "the role is gone"
	require.NoError(t, ledger.CheckAnswer(kept, r), "the first plan counts")
	r.Signature = nil
	require.NoError(t, ledger.CheckAnswer(kept, r), "a worker that checks no signatures records none")
	p := bodies()["proof"].(ledger.Proof)
	kept = entryOf(t, p)
	p.Principal = &ledger.Subject{Kind: access.User, ID: "401"}
	require.NoError(t, ledger.CheckAnswer(kept, p), "0.4.0 named no principal")
}

// An entry that answers another question is an error that says so.
func TestCheckAnswer_Other(t *testing.T) {
	t.Parallel()
	ana, bob := &ledger.Subject{Kind: access.User, ID: "401"}, &ledger.Subject{Kind: access.User, ID: "402"}
	all := bodies()
	decision, request := all["decision"].(ledger.Decision), all["request"].(ledger.Request)
	write, proof := all["write"].(ledger.Write), all["proof"].(ledger.Proof)
	write.Principal, proof.Principal = ana, ana
	for name, c := range map[string]struct {
		kept  ledger.Body
		asked func() ledger.Body
		want  string
	}{
		"a yes for a no": {decision, func() ledger.Body {
			d := decision
			d.Decision.Action = "deny"
			return d
		}, "it has another action"},
		"another person": {decision, func() ledger.Body {
			d := decision
			d.Decision.By = "eve@example.com"
			return d
		}, "it has another person"},
		"another plan": {decision, func() ledger.Body {
			d := decision
			d.Decision.PlanHash = "0"
			return d
		}, "it has another plan"},
		"another operation": {request, func() ledger.Body {
			r := request
			r.Plan.Op = access.OpGrant
			return r
		}, "it has another operation"},
		"a longer grant": {request, func() ledger.Body {
			r := request
			r.Plan.Terms.Duration *= 2
			return r
		}, "it has another duration"},
		"another signature": {request, func() ledger.Body {
			r, s := request, *request.Signature
			s.Signature, r.Signature = "other", &s
			return r
		}, "it has another signature"},
		"a write for somebody else": {write, func() ledger.Body {
			w := write
			w.Principal = bob
			return w
		}, "it has another principal"},
		"a proof of somebody else": {proof, func() ledger.Body {
			p := proof
			p.Principal = bob
			return p
		}, "it has another principal"},
		"a proof of another change": {proof, func() ledger.Body {
			p := proof
			p.Proof.Op = access.OpRelease
			return p
		}, "it has another operation"},
		"a proof of an account": {
			all["proof_account"], func() ledger.Body { return all["proof"] }, "it has another subject",
		},
		"another run": {all["receipt"], func() ledger.Body {
			r := all["receipt"].(ledger.Receipt)
			r.Receipt.Run = "other"
			return r
		}, "it has another run"},
		"another change cancelled": {all["cancelled"], func() ledger.Body {
			return ledger.Cancelled{Change: "other"}
		}, "it has another change"},
		"another kind": {
			all["cancelled"], func() ledger.Body { return proof }, `its kind is "cancelled" and not "proof"`,
		},
	} {
		err := ledger.CheckAnswer(entryOf(t, c.kept), c.asked())
		require.ErrorIs(t, err, ledger.ErrOtherAnswer, name)
		require.ErrorContains(t, err, c.want, name)
	}
}

// Requests, receipts, writes, answers and proofs are about a principal.
func TestSubjectOf(t *testing.T) {
	t.Parallel()
	all := bodies()
	require.Equal(t, "user/401", ledger.SubjectOf(all["request"]))
	require.Equal(t, "user/401", ledger.SubjectOf(all["receipt"]))
	require.Equal(t, "user/401", ledger.SubjectOf(all["unauthorized"]))
	require.Empty(t, ledger.SubjectOf(all["decision"]))
	require.Empty(t, ledger.SubjectOf(all["write"]), "as 0.4.0 wrote it")
	of := &ledger.Subject{Kind: access.ServiceUser, ID: "501"}
	require.Equal(t, "serviceUser/501", ledger.SubjectOf(ledger.Write{Principal: of}))
	require.Equal(t, "serviceUser/501", ledger.SubjectOf(ledger.Answer{Principal: of}))
	require.Equal(t, "serviceUser/501", ledger.SubjectOf(ledger.Proof{Principal: of}))
	require.Equal(t, "user/7", ledger.SubjectOf(ledger.Proof{Proof: access.Proof{
		Made: &access.PrincipalRef{Kind: access.User, ID: "7"},
	}}))
	require.Empty(t, ledger.SubjectOf(ledger.Request{Plan: access.Plan{
		Principal: access.PrincipalRef{Kind: access.User, Email: "ana@example.com"},
	}}), "an account that is not there yet")
	require.Empty(t, ledger.SubjectOf(nil))
}
