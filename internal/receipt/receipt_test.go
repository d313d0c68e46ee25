package receipt_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/receipt"
	"sentinelone-provisioner/internal/signing"
)

// Receipts of what was done as it was approved hold, in every check.
func TestVerify_Holds(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for name, r := range map[string]access.Receipt{
		"expired": s.expired(), "granted": s.granted(), "ended": s.ended(), "extended": s.extended(),
		"glass": s.glass(), "own team": s.ownTeam(), "revoked": s.revoked(),
	} {
		require.Empty(t, s.verify(r, s.with, signing.Failed), name)
		require.Empty(t, s.verify(r, s.with, signing.Unchecked), name)
		require.Empty(t, s.verify(r, s.with, signing.Unsigned), name)
		require.Contains(t, strings.Join(s.verify(r, s.with, signing.OK), "\n"), "\nstate: "+r.State+": ", name)
	}
}

// A service user that was created, and whose token is lost, is what the receipt of a refused request may leave: in no
// other state, with no token stored, and only if the role is shown.
func TestVerify_TokenLost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*access.Receipt, *access.Proof)
		want   signing.Result
	}{
		"lost":         {func(*access.Receipt, *access.Proof) {}, signing.OK},
		"cancelled":    {func(r *access.Receipt, _ *access.Proof) { r.State = "cancelled" }, signing.Failed},
		"token stored": {func(_ *access.Receipt, p *access.Proof) { p.Token = &access.TokenPlace{} }, signing.Failed},
		"a user":       {func(_ *access.Receipt, p *access.Proof) { p.Made.Kind = access.User }, signing.Failed},
		"role not shown": {func(_ *access.Receipt, p *access.Proof) {
			p.Reads[len(p.Reads)-1].Holdings = holding(viewer)
		}, signing.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			r := s.granted()
			r.State, r.Outcome = "refused", access.Created
			p := &r.Proofs[len(r.Proofs)-1]
			p.Op, p.Outcome = access.OpCreate, access.Created
			p.Made = &access.PrincipalRef{Kind: access.ServiceUser, ID: "7"}
			tc.change(&r, p)
			lines := s.verify(r, receipt.Means{}, tc.want)
			ofState := func(line string) bool { return strings.HasPrefix(line, "state: "+r.State) }
			require.True(t, slices.ContainsFunc(lines, ofState), lines)
		})
	}
}
