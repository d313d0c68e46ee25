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

// A rotation of the worker's own token leaves another service user with the same roles, and its token in the worker's
// file.
func TestVerify_OwnToken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*access.Receipt, *access.Proof)
		want   signing.Result
	}{
		"replaced":       {func(*access.Receipt, *access.Proof) {}, signing.OK},
		"by itself":      {func(_ *access.Receipt, p *access.Proof) { p.Made.ID = "11" }, signing.Failed},
		"by none":        {func(_ *access.Receipt, p *access.Proof) { p.Made = nil }, signing.Failed},
		"other roles":    {func(_ *access.Receipt, p *access.Proof) { p.After = holding(soc) }, signing.Failed},
		"another place":  {func(_ *access.Receipt, p *access.Proof) { p.Token.Sink = "file" }, signing.Failed},
		"no place":       {func(_ *access.Receipt, p *access.Proof) { p.Token = nil }, signing.Failed},
		"not the own":    {func(r *access.Receipt, _ *access.Proof) { r.Plan.Rotation.Own = false }, signing.Failed},
		"nothing proven": {func(_ *access.Receipt, p *access.Proof) { p.Outcome = access.NotApplied }, signing.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			r := s.granted()
			r.State, r.Outcome, r.Plan.Op = "rotated", access.Rotated, access.OpRotate
			r.Plan.Rotation = &access.TokenRotation{Own: true}
			p := &r.Proofs[len(r.Proofs)-1]
			p.Op, p.Outcome, p.After = access.OpRotate, access.Rotated, r.Plan.Before
			p.Made = &access.PrincipalRef{Kind: access.ServiceUser, ID: "12"}
			p.Token = &access.TokenPlace{Sink: access.SinkOwnFile}
			tc.change(&r, p)
			lines := s.verify(r, receipt.Means{}, tc.want)
			ofState := func(line string) bool { return strings.HasPrefix(line, "state: "+r.State) }
			require.True(t, slices.ContainsFunc(lines, ofState), lines)
		})
	}
}

// The writes of such a rotation make a service user with the roles that the old one had, and delete service users; they
// do nothing else.
func TestVerify_WritesForTheOwnToken(t *testing.T) {
	t.Parallel()
	const noAccount = "neither makes nor deletes a service user"
	none, had := access.Holdings{}.Normal(), holding(viewer, other)
	for name, tc := range map[string]struct {
		call          string
		before, after access.Holdings
		want          string // "" if nothing is wrong
	}{
		"made":       {"POST /service-users", none, had, ""},
		"deleted":    {"DELETE /service-users/11", had, none, ""},
		"more roles": {"POST /service-users", none, holding(soc, other), "it gave role"},
		"a token":    {"POST /service-users/11/generate-api-token", had, had, noAccount},
		"roles":      {"PUT /service-users/11", had, none, noAccount},
		"a user":     {"DELETE /users/11", had, none, noAccount},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			r := s.granted()
			r.State, r.Plan.Op, r.Plan.Rotation = "rotated", access.OpRotate, &access.TokenRotation{Own: true}
			p := &r.Proofs[len(r.Proofs)-1]
			p.Op, p.Outcome = access.OpRotate, access.Rotated
			p.Key = access.ChangeKey(r.Request+"#"+r.Run, access.OpRotate)
			p.Writes[0].Call, p.Writes[0].Before, p.Writes[0].After = tc.call, tc.before, tc.after
			result := signing.OK
			if tc.want != "" {
				result = signing.Failed
			}
			text := strings.Join(s.verify(r, receipt.Means{}, result), "\n")
			require.Contains(t, text, "proof of rotateToken: ")
			require.Contains(t, text, tc.want)
		})
	}
}

// A write that restored, after the release, what a late write of ours had replaced may give back what other requests
// have given: that is looked up in their receipts. A write that gives the access restores nothing.
func TestVerify_RestoresAfterALateWrite(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		restores bool
		proof    int // the one that has the write: 0 is of the grant, 1 of the release
		want     signing.Result
	}{
		"restores":       {true, 1, signing.Unchecked},
		"does not":       {false, 1, signing.Failed},
		"of what it has": {true, 0, signing.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			r := s.expired()
			p := &r.Proofs[tc.proof]
			p.Writes = append(p.Writes, access.Write{
				At: p.Writes[0].At.Add(1), Call: p.Writes[0].Call, Status: 200, Restores: tc.restores,
				Before: holding(soc, other), After: holding(viewer, admin),
			})
			lines := strings.Join(s.verify(r, s.with, tc.want), "\n")
			require.Contains(t, lines, "proof of "+string(p.Op)+": ")
			if tc.restores && tc.proof == 1 {
				require.Contains(t, lines, "it gave back "+admin.String())
				require.Contains(t, lines, "it removed "+other.String())
			}
		})
	}
}
