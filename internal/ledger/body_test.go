package ledger_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const console = "acmeco.sentinelone.net"

var grant = ledger.Run{Request: "grant/INC-42", ID: "run"}

// bodies holds one body of each kind, two where a kind is about roles or an account, by the
// name of its golden file.
func bodies() map[string]ledger.Body {
	plan, holdings := samplePlan(), sampleHoldings()
	known := access.OwnershipState{Baseline: holdings, Proven: holdings, Known: true, Prior: holdings}
	step := access.Step{Before: holdings, After: holdings, Outcome: access.Applied, Next: known}
	call := access.Write{At: noon, Call: "PUT /users/401", Before: holdings, After: holdings}
	answered := call
	answered.Status, answered.Error = 409, "somebody else is at it"
	proof := access.Proof{
		Op: access.OpAcquire, Key: "grant/INC-42#run/acquire", Outcome: access.Applied,
		Before: holdings, After: holdings, Writes: []access.Write{answered},
		Reads: []access.Read{{At: noon, Holdings: holdings}}, Drift: []string{"at site 201 someone changed role 1"},
	}
	made := proof
	made.Op, made.Token = access.OpCreate, &access.TokenPlace{Sink: "file", Path: "a/b", ExpiresAt: noon}
	delegation := access.Delegation{
		By: "carol@example.com", To: "bob@example.com", At: noon, Until: noon.Add(time.Hour), Comment: "on leave",
		Console: console, Request: "delegate/1", Signed: access.Unsigned,
	}
	decision := access.Decision{
		At: noon, By: "bob@example.com", Action: "approve", Duration: access.Duration(time.Hour),
		OnBehalfOf: "carol@example.com", Delegation: &delegation, Signed: access.Unsigned, PlanHash: plan.Hash,
	}
	return map[string]ledger.Body{
		"request": ledger.Request{Plan: plan, Signature: &access.RequestSignature{
			Request:  access.RequestSpec{Op: plan.Op, Console: console, Terms: plan.Terms},
			SignedAt: noon, At: noon, Signed: "SHA256:abc", Signature: "-----BEGIN SSH SIGNATURE-----",
		}, SignaturesRequired: true},
		"signature": ledger.Signature{
			UsedFor: grant.RequestKey(0), Statement: "sentinelone-request-1\n", Signed: "SHA256:abc",
		},
		"decision":      ledger.Decision{Decision: decision, Refusal: "bob@example.com has decided already"},
		"delegation":    ledger.Delegation{Delegation: delegation, Message: grant.DelegationKey()},
		"write":         ledger.Write{Write: call, Roles: &ledger.RoleWrite{Step: step, From: "digest"}},
		"write_account": ledger.Write{Write: call, Account: &ledger.AccountCall{Action: ledger.CreateAccount}},
		"answer":        ledger.Answer{Write: answered},
		"answer_account": ledger.Answer{Write: answered, Account: &ledger.AccountAnswer{
			Call: ledger.AccountCall{Action: ledger.DeleteAccount, ID: "501"}, NotSent: true, Ended: noon,
		}},
		"token": ledger.Token{ID: "501", Place: *made.Token},
		"proof": ledger.Proof{
			Proof: proof, Message: "why", Roles: &ledger.RoleProof{Next: known, From: "digest"},
		},
		"proof_account": ledger.Proof{Proof: made, Account: &ledger.AccountProof{Refused: true}},
		"extension": ledger.Extension{Extension: access.Extension{
			At: noon, By: "bob@example.com", Duration: access.Duration(time.Hour), EndsAt: noon.Add(time.Hour),
		}},
		"extension_request": ledger.ExtensionRequest{Extension: access.ExtensionRequest{
			Request: "grant/INC-42", Run: "run", PlanHash: plan.Hash, At: noon, By: "bob@example.com",
			Duration: access.Duration(time.Hour), From: noon, EndsAt: noon.Add(time.Hour), Comment: "not done yet",
			Approval: plan.Approval, Signed: "SHA256:abc", Signature: "-----BEGIN SSH SIGNATURE-----", SignedAt: noon,
		}.Seal(), Refusal: "the grant has ended"},
		"stop": ledger.Stop{Stop: access.Stop{
			At: noon, Action: "end", By: "carol@example.com", Comment: "done", Signed: "SHA256:abc",
			Signature: "-----BEGIN SSH SIGNATURE-----", SignedAt: noon,
		}, Refusal: "a signature is required"},
		"freeze": ledger.Freeze{Freeze: access.Freeze{
			Frozen: true, By: "carol@example.com", Reason: "INC-42", Console: console, Signed: "SHA256:abc",
			Signature: "-----BEGIN SSH SIGNATURE-----", SignedAt: noon,
		}, Refusal: "a signature is required"},
		"drift": ledger.Drift{
			Action: "revert", Principal: access.PrincipalRef{Kind: access.User, ID: "401"},
			Holding: access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "201"}, Found: "unexplained",
			Since: noon, Policy: "5d41402a", Rule: "rest",
		},
		"overdue": ledger.Overdue{
			Change: "grant/INC-42#run/release", Principal: access.PrincipalRef{Kind: access.User, ID: "401"}, Due: noon,
			Why: "end",
		},
		"cancelled": ledger.Cancelled{Change: "grant/INC-42#run/acquire"},
		"confirmation": ledger.Confirmation{
			Read: access.Read{At: noon, Holdings: holdings}, Shown: true,
			Drift: []string{"at site 201 someone changed role 1"},
		},
		"unauthorized": ledger.Unauthorized{
			Change: "grant/INC-42#run/acquire", Op: access.OpAcquire, Principal: plan.Principal,
			Reason: "notApproved", Text: "carol@example.com has denied it",
		},
		"receipt": ledger.Receipt{Receipt: access.Receipt{
			Request: "grant/INC-42", Run: "run", Plan: plan, State: "expired", Outcome: access.Released,
			Proofs: []access.Proof{proof}, Decisions: []access.Decision{decision}, StartedAt: noon, FinishedAt: noon,
		}.Seal()},
		"ledgerKey": ledger.SealingKey{
			Key:      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEnO6FVnUxqcgTI5/6DFcTrQJNdCSSmVXRoEUEJRwlAT",
			Previous: "SHA256:abc",
		},
		"notification": ledger.Notification{
			Event: "requested", Sender: "slack", Result: ledger.Dropped, Error: "the receiver answers 410",
		},
	}
}

func sampleHoldings() access.Holdings {
	return access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "302", ScopeID: "201"}}}
}

func samplePlan() access.Plan {
	return access.Plan{
		Op: access.OpAcquire, Console: console,
		Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "302", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
		Terms:     access.Terms{Requester: "bob@example.com", Duration: access.Duration(4 * time.Hour)},
		Before:    sampleHoldings(), After: sampleHoldings(), Expected: access.Applied,
		Approval: access.Approval{
			Required: true, Policy: "approved by one lead", Hash: "5d41402a",
			Steps: []access.ApprovalStep{{Need: 1, Groups: []string{"leads"}, People: []string{"carol@example.com"}}},
		},
	}.Seal()
}

// keyOf is a key that an entry with that body can have.
func keyOf(b ledger.Body) string {
	change := access.ChangeKey(grant.String(), access.OpAcquire)
	switch b := b.(type) {
	case ledger.Request:
		return grant.RequestKey(0)
	case ledger.Signature:
		return ledger.SignatureKey([]byte(b.Statement))
	case ledger.Decision:
		return ledger.DecisionEntryKey(grant.DecisionKey(b.Decision, ""), 0)
	case ledger.Delegation:
		return grant.DelegationKey()
	case ledger.Write:
		return ledger.WriteKey(change, 0)
	case ledger.Answer:
		return ledger.AnswerKey(change, 0)
	case ledger.Token:
		return ledger.TokenKey(change, 0)
	case ledger.Proof:
		return ledger.ProofKey(change)
	case ledger.Confirmation:
		return ledger.ConfirmationKey(change, 0)
	case ledger.Unauthorized:
		return ledger.UnauthorizedKey(change, b.Reason)
	case ledger.Extension:
		return ledger.ExtensionKey(change)
	case ledger.Drift:
		return b.EntryKey()
	case ledger.Overdue:
		return ledger.OverdueKey(change)
	case ledger.Cancelled:
		return ledger.CancelledChangeKey(change)
	case ledger.Receipt:
		return grant.ReceiptKey()
	case ledger.ExtensionRequest:
		return grant.ExtensionRequestKey(b.Extension)
	case ledger.Stop:
		return grant.StopKey(b.Stop, b.Refusal)
	case ledger.Freeze:
		return grant.FreezeKey()
	case ledger.SealingKey:
		return b.EntryKey()
	case ledger.Notification:
		return ledger.NotificationKey(grant.Request, grant.String()+"/1", b.Sender)
	}
	return grant.String() + "/" + string(b.Kind())
}

// entryOf is the first entry of a chain, with that body.
func entryOf(t *testing.T, b ledger.Body) ledger.Entry {
	t.Helper()
	e, err := ledger.NewEntry{Request: grant.Request, Key: keyOf(b), Body: b}.Entry(console, noon)
	require.NoError(t, err)
	e, _ = ledger.Head{}.Chain(e)
	return e
}

// Every body comes back as it was written, and its JSON is what the golden file holds.
func TestBody_RoundTrip(t *testing.T) {
	t.Parallel()
	seen := map[ledger.Kind]bool{}
	for name, body := range bodies() {
		e := entryOf(t, body)
		require.Equal(t, body.Kind(), e.Kind, name)
		got, err := ledger.Decode(e)
		require.NoError(t, err, name)
		require.Equal(t, body, got, name)
		requireGolden(t, name, e.Body)
		seen[e.Kind] = true
	}
	for _, kind := range ledger.Kinds() {
		require.True(t, seen[kind], "%s: add a body to the table and run the test with -update", kind)
	}
}

// requireGolden compares a body with its golden file, which is indented to be read.
func requireGolden(t *testing.T, name string, body json.RawMessage) {
	t.Helper()
	var got bytes.Buffer
	require.NoError(t, json.Indent(&got, body, "", "  "))
	got.WriteByte('\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		require.NoError(t, os.WriteFile(path, got.Bytes(), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String(), name)
}

func TestRequest_Verified(t *testing.T) {
	t.Parallel()
	require.Nil(t, ledger.Request{}.Verified())
	s := &access.RequestSignature{Signed: access.Unsigned}
	require.Nil(t, ledger.Request{Signature: s}.Verified(), "it did not hold")
	s.Signed = "SHA256:abc"
	require.Same(t, s, ledger.Request{Signature: s}.Verified())
}
