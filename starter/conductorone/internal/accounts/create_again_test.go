package accounts_test

import (
	"errors"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
)

// What people have approved is not requested again: the account that the same request has made, or found, is there, if
// ledger and console say so. Otherwise the request proves what is so.
func TestCreateUser_Again(t *testing.T) {
	t.Parallel()
	held := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "302", ScopeID: "203"}}}
	shows := evidence.Latest{Known: true, Read: access.Read{Holdings: held}}
	waits := running(wire.StateAwaitingApproval, "for carol")
	for name, c := range map[string]struct {
		change   func(*fakeRequests)
		requests int
	}{
		"there":       {func(*fakeRequests) {}, 0},
		"found by it": {func(r *fakeRequests) { r.earlier[0] = madeBefore(t, about(ana)) }, 0},
		"denied before": {func(r *fakeRequests) {
			r.earlier[0] = madeBefore(t, about(ana))
			r.earlier[0].Proofs = nil
		}, 1},
		"nothing made before": {func(r *fakeRequests) { r.earlier = nil }, 1},
		"another's request":   {func(r *fakeRequests) { r.earlier[0].Plan.Plan.Role.Name = "Admin" }, 1},
		"deleted since":       {func(r *fakeRequests) { r.last.Read = access.Read{Gone: true} }, 1},
		"without the role":    {func(r *fakeRequests) { r.last.Read.Holdings = access.Holdings{} }, 1},
		"not on the console":  {func(r *fakeRequests) { r.look.Principal.ID = "" }, 1},
		"another account":     {func(r *fakeRequests) { r.look.Principal.ID = "701" }, 1},
		"role gone meanwhile": {func(r *fakeRequests) { r.look.Before = access.Holdings{} }, 1},
		"console is away":     {func(r *fakeRequests) { r.lookErr = errors.New("503") }, 1},
	} {
		r := &fakeRequests{
			earlier: []authority.Record{madeBefore(t, created(ana))}, last: shows,
			look: access.Plan{Principal: ana, Before: held}, answers: []requestrecord.Observation{waits},
		}
		c.change(r)
		out, err := createUser(t, r, userProfile())
		require.NoError(t, err, name)
		require.Len(t, r.started, c.requests, name)
		if c.requests > 0 {
			require.IsType(t, &v2.CreateAccountResponse_ActionRequiredResult{}, out, name)
			continue
		}
		there, is := out.(*v2.CreateAccountResponse_AlreadyExistsResult)
		require.True(t, is, name)
		require.Equal(t, ana.ID, there.GetResource().GetId().GetResource(), name)
		require.Len(t, r.looked, 1, name)
		in, is := r.looked[0].Input.(*wire.ProvisionUserInput)
		require.True(t, is, name)
		require.True(t, in.DryRun, name)
	}
}

// madeBefore is the record of an earlier run of the request for ana, which has made the account or found it.
func madeBefore(t *testing.T, receipt *access.Receipt) authority.Record {
	t.Helper()
	r := &fakeRequests{answers: []requestrecord.Observation{ended(wire.StateProvisioned, "", receipt)}}
	_, err := createUser(t, r, userProfile())
	require.NoError(t, err)
	in, is := r.started[0].Input.(*wire.ProvisionUserInput)
	require.True(t, is)
	require.False(t, in.DryRun)
	r.tamper = func(p *access.Plan) {
		p.Role.ID, p.Scope.ID = "302", "203"
	}
	out, err := fakeLedger{r}.record(ledger.Run{Request: r.started[0].ID, ID: "run-1"})
	require.NoError(t, err)
	return out
}
