package signing

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
)

// Break-glass access that was ended without enough reviews passes. A role that is still granted does
// not, if a reviewer denied it or one person reviewed it twice.
func TestVerifyReceipt_Review(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	breakGlass := func(p *access.Plan) {
		p.Approval.Steps = nil
		p.Approval.Review = &access.Review{ApprovalStep: access.ApprovalStep{
			Need: 2, Groups: []string{"leads"}, People: []string{carol, dave},
		}}
	}
	detail := func(r access.Receipt) (Result, string) {
		checks, err := VerifyReceipt(r.Seal(), b.allowed)
		require.NoError(t, err)
		last := checks[len(checks)-1]
		require.Equal(t, "review", last.Name)
		return last.Result, last.Detail
	}
	end := access.Proof{Op: access.OpRelease, Outcome: access.Released}

	r := b.grantReceipt(t, breakGlass)
	b.addDecision(t, &r, carol, access.Decision{})
	result, text := detail(r)
	require.Equal(t, Failed, result, text)
	twice := r
	b.addDecision(t, &twice, carol, access.Decision{})
	result, text = detail(twice)
	require.Equal(t, Failed, result)
	require.Equal(t, "1 of 2 from leads: carol@example.com; not counted: carol@example.com has decided already: "+
		"approve at 2026-03-03 14:05:01 UTC", text)
	twice.Proofs = append(twice.Proofs, end)
	result, text = detail(twice)
	require.Equal(t, OK, result)
	require.Equal(t, "1 of 2 reviewers approved, and the access was ended; "+
		"not counted: carol@example.com has decided already: "+
		"approve at 2026-03-03 14:05:01 UTC", text)

	b.addDecision(t, &r, dave, access.Decision{})
	result, text = detail(r)
	require.Equal(t, OK, result, text)
	b.addDecision(t, &r, bob, access.Decision{Action: KindDeny})
	result, text = detail(r)
	require.Equal(t, Failed, result)
	require.Equal(t, "denied by bob@example.com, but the role is still granted", text)
	r.Proofs = append(r.Proofs, end)
	result, _ = detail(r)
	require.Equal(t, OK, result)
}

// The receipt's hash covers its extensions.
func TestVerifyReceipt_Extensions(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	r := b.grantReceipt(t)
	r.Extensions = []access.Extension{{By: bob, Duration: access.Duration(1)}}
	r = r.Seal()
	require.True(t, r.Intact())
	r.Extensions[0].By = carol
	require.Contains(t, strings.Join(failedChecks(t, r, b.allowed), "\n"), "changed since it was sealed")
}
