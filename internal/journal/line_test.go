package journal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

const console = "acmeco.sentinelone.net"

var (
	noon  = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	grant = ledger.Run{Request: "grant/INC-42", ID: "run"}
	ana   = access.PrincipalRef{Kind: access.User, ID: "401", Email: "ana@example.com"}
	one   = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "302", ScopeID: "201"}}}
)

func plan() access.Plan {
	return access.Plan{
		Op: access.OpAcquire, Console: console, Principal: ana, Role: access.RoleRef{ID: "302", Name: "SOC"},
		Scope:  access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
		Terms:  access.Terms{Requester: "bob@example.com", Duration: access.Duration(4 * time.Hour)},
		Before: access.Holdings{Level: access.SiteLevel}, After: one, Expected: access.Applied,
		Approval: access.Approval{
			Required: true, Policy: "by one lead", Hash: "5d41402a",
			Steps: []access.ApprovalStep{{Need: 1, Groups: []string{"leads"}}},
		},
	}.Seal()
}

// Every kind of entry has a sentence of its own, with the names that the plan knows.
func TestOfEntry(t *testing.T) {
	t.Parallel()
	p := plan()
	refusedPlan := p
	refusedPlan.Refusal = "the role cannot be assigned there"
	sent := access.Write{At: noon, Call: "PUT /users/401", Status: 409, Error: "in use"}
	unanswered := access.Write{At: noon, Call: "PUT /users/401"}
	decision := access.Decision{By: "carol@example.com", Action: "approve", Signed: access.Unsigned, Comment: "on call"}
	proof := access.Proof{
		Op: access.OpAcquire, Outcome: access.Applied, Drift: []string{"at site 201 someone changed role 1"},
	}
	made := access.Proof{Op: access.OpCreate, Outcome: access.Created, Made: &access.PrincipalRef{
		Kind: access.ServiceUser, ID: "501", Name: "ci",
	}}
	read := access.Read{At: noon, Holdings: one}
	later := access.ExtensionRequest{By: "bob@example.com", EndsAt: noon, Signed: access.Unsigned, Comment: "more"}
	seen := map[ledger.Kind]bool{}
	for _, c := range []struct {
		body ledger.Body
		want string
	}{
		{ledger.Request{Plan: p}, "bob@example.com requests, unsigned: grant user ana@example.com (401) role SOC " +
			"(302) at site Acme / Berlin (201), for 4h. Approval: 1 approval from leads."},
		{ledger.Request{Plan: refusedPlan}, "It is refused: the role cannot be assigned there."},
		{ledger.Signature{Signed: "SHA256:abc"}, "The signature by key SHA256:abc is recorded, so that it counts"},
		{ledger.Decision{Decision: decision}, "carol@example.com decides: approve, unsigned: on call."},
		{
			ledger.Decision{Decision: decision, Refusal: "carol@example.com is the recipient"},
			"approve, unsigned: on call. That does not count: carol@example.com is the recipient.",
		},
		{ledger.Delegation{Delegation: access.Delegation{
			By: "carol@example.com", To: "bob@example.com", Until: noon, Signed: "SHA256:abc",
		}}, "carol@example.com delegates decisions to bob@example.com until 2026-03-10 12:00:00 UTC, " +
			"signed by SHA256:abc."},
		{ledger.Write{Write: sent}, "PUT /users/401 is about to be sent to the console."},
		{ledger.Answer{Write: sent}, "PUT /users/401 was answered with status 409: in use."},
		{ledger.Answer{Write: unanswered}, "PUT /users/401 got no answer."},
		{
			ledger.Token{ID: "501", Place: access.TokenPlace{Sink: "file", Path: "ci", ExpiresAt: noon}},
			"The API token of service user 501 is stored (file ci, valid until 2026-03-10 12:00:00 UTC).",
		},
		{
			ledger.Proof{Proof: proof, Principal: &ledger.Subject{Kind: access.User, ID: "401"}},
			"Grant for user ana@example.com (401): applied and verified. By hand: at site 201 someone changed role 1.",
		},
		{ledger.Proof{Proof: made, Message: "why"}, "for service user ci (501): created and verified; why."},
		{ledger.Confirmation{Read: read}, "A later read confirms the change: SOC (302) present, 1 role in total."},
		{ledger.Confirmation{Read: read, Shown: true}, "A later read shows the role again: SOC (302) present"},
		{
			ledger.ExtensionRequest{Extension: later, Refusal: "the grant has ended"},
			"bob@example.com requests a later end, 2026-03-10 12:00:00 UTC, unsigned: more. " +
				"That does not count: the grant has ended.",
		},
		{ledger.Extension{Extension: access.Extension{
			By: "bob@example.com", Duration: access.Duration(time.Hour), EndsAt: noon,
		}}, "The end moves by 1h to 2026-03-10 12:00:00 UTC, as requested by bob@example.com."},
		{ledger.Cancelled{}, "The change is cancelled"},
		{ledger.Overdue{Principal: ana, Due: noon, Why: "end"}, "The worker releases the access of user " +
			"ana@example.com (401) by itself: it had to be gone by 2026-03-10 12:00:00 UTC (end)."},
		{ledger.Drift{Action: "revert", Principal: ana, Holding: access.Holding{
			Level: access.SiteLevel, RoleID: "302", ScopeID: "201",
		}, Found: "unexplained", Since: noon, Rule: "rest"}, "The worker starts to revoke role SOC (302) at site " +
			"Acme / Berlin (201) of user ana@example.com (401), by drift rule \"rest\": it is unexplained since"},
		{
			ledger.Unauthorized{Op: access.OpAcquire, Principal: ana, Reason: "notApproved", Text: "nobody approved"},
			"Grant for user ana@example.com (401) was not written to the console: nobody approved (notApproved).",
		},
		{
			ledger.Stop{Stop: access.Stop{By: "carol@example.com", Action: "end", Signed: access.Unsigned}},
			"carol@example.com sends end, unsigned.",
		},
		{
			ledger.Freeze{Freeze: access.Freeze{Frozen: true, By: "carol@example.com", Reason: "INC-42"}},
			"carol@example.com freezes all giving of access: INC-42.",
		},
		{
			ledger.Receipt{Receipt: access.Receipt{State: "expired", Outcome: access.Released}},
			"The request has ended: expired, role removed and verified (2 reads).",
		},
		{
			ledger.Notification{Event: "requested", Sender: "slack", Result: ledger.GaveUp, Error: "503"},
			`The notification "requested" to slack is given up, since the receiver was down for too long: 503.`,
		},
		{
			ledger.SealingKey{Key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEnO6FVnUxqcgTI5/6DFcTrQJNdCSSmVXRoEUEJRwlAT"},
			"From here on the worker seals the ledger with the key ssh-ed25519",
		},
	} {
		require.Contains(t, sentenceOf(t, c.body, &p), c.want)
		seen[c.body.Kind()] = true
	}
	for _, kind := range ledger.Kinds() {
		require.True(t, seen[kind], "%s: add a body to the table", kind)
	}
}

// sentenceOf is the sentence of an entry with that body, as the ledger would hold it.
func sentenceOf(t *testing.T, body ledger.Body, p *access.Plan) string {
	t.Helper()
	text := sentence{plan: p, names: namesOf(p)}.of(body)
	require.Regexp(t, `(?s)^\S.*\.$`, text)
	return text
}

// An entry that this version cannot read is a line that says so, not an error.
func TestOfEntry_Unreadable(t *testing.T) {
	t.Parallel()
	got := ofEntry(ledger.Entry{
		At: noon, Seq: 7, Request: "grant/INC-42", Kind: ledger.KindProof, Key: grant.ReceiptKey(),
		Body: []byte(`{"a":1}`),
	}, nil, store.Directory{})
	require.Equal(t, int64(7), got.Seq)
	require.Contains(t, got.Text, "This version cannot read the entry")
	require.Contains(t, got.Text, "`starter ledger verify`")
}
