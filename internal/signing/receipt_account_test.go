package signing

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// accountReceipt is the receipt of a new user, ana, with one role, that bob requested.
func (b receiptBuilder) accountReceipt(t *testing.T, people ...string) access.Receipt {
	t.Helper()
	account := &access.NewAccount{Kind: access.User, Email: ana, Name: "Ana Roy"}
	r := b.grantReceipt(t, func(p *access.Plan) {
		p.Op, p.Account, p.Principal, p.Terms.Duration = access.OpCreate, account, account.Ref(), 0
		p.Approval.Steps = []access.ApprovalStep{{Need: 1, Groups: []string{"soc-leads"}, People: people}}
	})
	r.Request, r.State, r.Outcome = "provision/INC-42", "provisioned", access.Created
	r.Proofs = []access.Proof{{Op: access.OpCreate, Outcome: access.Created}}
	s := r.RequestSignature
	s.Request.Op, s.Request.Account, s.Request.Principal = access.OpCreate, account, access.PrincipalSelector{}
	s.Request.Terms.Duration = 0
	s.Signature = signed(t, b.keys[bob], OfRequest(r.Request, *s))
	return r
}

// A new account needs the approvals of its plan as a grant does: neither the requester nor the
// recipient counts.
func TestVerifyReceipt_NewAccount(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.accountReceipt(t, carol)
	b.addDecision(t, &r, carol, access.Decision{})
	require.Empty(t, failedChecks(t, r.Seal(), b.allowed))

	for by, why := range map[string]string{
		"": "",
		bob: "; not counted: " +
			"bob@example.com is the requester: requesters do not decide on their own requests",
		ana: "; not counted: ana@example.com is the recipient: people do not decide on their own access",
		dave: "; not counted: " +
			"dave@example.com is not eligible to decide: it is pending for 1 of 1 from soc-leads",
	} {
		r := b.accountReceipt(t, carol)
		if by != "" {
			b.addDecision(t, &r, by, access.Decision{})
		}
		want := "approval, step 1: 0 of 1 from soc-leads" + why
		require.Equal(t, []string{want}, failedChecks(t, r.Seal(), b.allowed))
	}

	r = b.accountReceipt(t, carol)
	b.addDecision(t, &r, carol, access.Decision{Action: KindDeny})
	require.Contains(t, failedChecks(t, r.Seal(), b.allowed),
		"approval: denied by carol@example.com, but something was changed")
}
