package signing

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// created is what bob asked for: a user Ana, with one role.
func (o office) created(t *testing.T, people ...string) access.Receipt {
	t.Helper()
	account := &access.NewAccount{Kind: access.User, Email: ana, Name: "Ana Roy"}
	r := o.granted(t, func(p *access.Plan) {
		p.Op, p.Account, p.Principal, p.Terms.Duration = access.OpCreate, account, account.Ref(), 0
		p.Approval.Steps = []access.ApprovalStep{{Need: 1, Groups: []string{"soc-leads"}, People: people}}
	})
	r.Request, r.State, r.Outcome = "provision/INC-42", "provisioned", access.Created
	r.Proofs = []access.Proof{{Op: access.OpCreate, Outcome: access.Created}}
	s := r.RequestSignature
	s.Request.Op, s.Request.Account, s.Request.Principal = access.OpCreate, account, access.PrincipalSelector{}
	s.Request.Terms.Duration = 0
	s.Signature = signed(t, o.keys[bob], OfRequest(r.Request, *s))
	return r
}

// An account that was made needs the consent of its plan as a grant does: neither who
// asked for it nor who got it counts.
func TestVerifyReceipt_NewAccount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	r := o.created(t, carol)
	o.decide(t, &r, carol, access.Decision{})
	require.Empty(t, failed(t, r.Seal(), o.allowed))

	for by, why := range map[string]string{
		"": "",
		bob: "; not counted: " +
			"bob@example.com is the requester: requesters do not decide on their own requests",
		ana: "; not counted: ana@example.com is the recipient: people do not decide on their own access",
		dave: "; not counted: " +
			"dave@example.com is not eligible to decide: it is pending for 1 of 1 from soc-leads",
	} {
		r := o.created(t, carol)
		if by != "" {
			o.decide(t, &r, by, access.Decision{})
		}
		require.Equal(t, []string{"approval, step 1: 0 of 1 from soc-leads" + why}, failed(t, r.Seal(), o.allowed))
	}

	r = o.created(t, carol)
	o.decide(t, &r, carol, access.Decision{Action: KindDeny})
	require.Contains(t, failed(t, r.Seal(), o.allowed),
		"approval: denied by carol@example.com, but something was changed")
}
