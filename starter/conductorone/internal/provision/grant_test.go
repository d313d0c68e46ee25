package provision

import (
	"errors"
	"strings"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

func applied() requestrecord.Observation {
	return ended(wire.StateGranted, access.Applied, "", plan(access.OpGrant, access.Applied),
		access.Proof{Op: access.OpGrant, Outcome: access.Applied})
}

// What the console shows now is the answer, and nobody is asked.
func TestGrant_Held(t *testing.T) {
	t.Parallel()
	f := &fakeRequests{look: plan(access.OpGrant, access.AlreadyHeld, access.HeldRole{RoleID: "2", ScopeID: "9"})}
	grants, annos, err := doGrant(t, f)
	require.NoError(t, err)
	require.Equal(t, []string{"GrantAlreadyExists"}, annos)
	require.Empty(t, f.begun)
	require.Len(t, grants, 1)
	require.Equal(t, "role_assignment:2-9:assigned:user:7", grants[0].GetId())
}

// A console may be slow to show that the role was revoked just now: the worker knows.
func TestGrant_NotHeldAnyMore(t *testing.T) {
	t.Parallel()
	f := &fakeRequests{
		look: plan(access.OpGrant, access.Applied, access.HeldRole{RoleID: "2", ScopeID: "9"}),
		seen: []requestrecord.Observation{applied()},
	}
	_, annos, err := doGrant(t, f)
	require.NoError(t, err)
	require.Empty(t, annos)
	require.Len(t, f.begun, 1)
}

// Role and scope are those of the trait; the request says who decided.
func TestGrant_Applied(t *testing.T) {
	t.Parallel()
	f := &fakeRequests{look: plan(access.OpGrant, access.Applied), seen: []requestrecord.Observation{
		open(wire.StateAwaitingApproval, "for 1 of 1 from soc-leads", plan(access.OpGrant, access.Applied)), applied(),
	}}
	grants, annos, err := doGrant(t, f)
	require.NoError(t, err)
	require.Empty(t, annos)
	require.Len(t, grants, 1)
	require.Len(t, f.begun, 1)
	require.True(t, strings.HasPrefix(f.begun[0].ID, "grant/c1-"), f.begun[0].ID)
	require.Equal(t, &wire.GrantInput{
		Principal: access.PrincipalSelector{Kind: access.User, ID: "7"}, Role: access.RoleSelector{ID: "2"},
		Scope:     access.ScopeSelector{Level: access.SiteLevel, ID: "9"},
		Requester: "conductorone", Reason: "decided in ConductorOne; by whom was not told", Console: console,
	}, f.begun[0].Input)
}

func TestGrant_Ends(t *testing.T) {
	t.Parallel()
	of := plan(access.OpGrant, access.Applied)
	for name, c := range map[string]struct {
		state, message string
		want           []string
	}{
		"denied":    {wire.StateDenied, "denied by carol@example.com: no", []string{"grant/c1-", ": denied by carol@"}},
		"timed out": {wire.StateTimedOut, "not decided in time", []string{" is timedOut: not decided in time"}},
		"cancelled": {wire.StateCancelled, "cancelled by bob@example.com", []string{" is cancelled: cancelled by"}},
		"refused": {
			wire.StateRefused, "it would remove 3 roles: to change the level, request again with allowLevelChange",
			[]string{
				" is refused: ", "to change the level, have a rule of the policy say levelChange: allow",
				`(rule "built-in" of the policy)`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeRequests{look: of, seen: []requestrecord.Observation{ended(c.state, "", c.message, of)}}
			_, _, err := doGrant(t, f)
			requireDeclined(t, err, c.want...)
		})
	}
}

// What only a person who sets up worker or connector can mend is no decline.
func TestGrant_SetUp(t *testing.T) {
	t.Parallel()
	of := plan(access.OpGrant, access.Applied)
	f := &fakeRequests{look: of, seen: []requestrecord.Observation{
		ended(wire.StateRefused, "", "the worker is read-only (SENTINELONE_READ_ONLY): turn that off", of),
	}}
	_, _, err := doGrant(t, f)
	requireFailed(t, err, "the worker is read-only", "press Retry failed provisioning")

	unsigned := access.Plan{Principal: dani, Role: of.Role, Scope: of.Scope, Refusal: "a signature is required"}
	f = &fakeRequests{look: of, seen: []requestrecord.Observation{
		ended(wire.StateRefused, "", "a signature is required", unsigned),
	}}
	_, _, err = doGrant(t, f)
	requireFailed(t, err, "a signature is required")
}

// The other roles that the grant has taken away are told, and no failed write counts.
func TestGrant_Replaced(t *testing.T) {
	t.Parallel()
	before := access.Holdings{
		Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: "3", ScopeID: "5"}, {RoleID: "4", ScopeID: "6"}},
	}
	admin := access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: "8"}}}
	after := access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "2", ScopeID: "9"}}}
	proof := access.Proof{Op: access.OpGrant, Outcome: access.Applied, Writes: []access.Write{
		access.Write{Status: 502}.Between(before, access.Holdings{Level: access.Tenant}),
		access.Write{Status: 200}.Between(before, after),
		access.Write{Status: 200}.Between(admin, after),
	}}
	f := &fakeRequests{look: plan(access.OpGrant, access.Applied), seen: []requestrecord.Observation{
		ended(wire.StateGranted, access.Applied, "", plan(access.OpGrant, access.Applied), proof),
	}}
	grants, annos, err := provisioner(f).Grant(t.Context(), v2.Resource_builder{Id: ana}.Build(), assigned(t))
	require.NoError(t, err)
	require.Len(t, grants, 1)
	require.Equal(t, []string{
		"role_assignment:3-5:assigned:user:7", "role_assignment:4-6:assigned:user:7",
		"role_assignment:8-tenant:assigned:user:7",
	}, replacedIn(t, annos))
}

func replacedIn(t *testing.T, annos annotations.Annotations) (out []string) {
	t.Helper()
	for _, a := range annos {
		var r v2.GrantReplaced
		if a.MessageIs(&r) {
			require.NoError(t, a.UnmarshalTo(&r))
			out = append(out, r.GetReplacedGrantId())
		}
	}
	return out
}

func TestGrant_Open(t *testing.T) {
	t.Parallel()
	of := plan(access.OpGrant, access.Applied)
	for name, c := range map[string]struct {
		seen requestrecord.Observation
		want []string
	}{
		"frozen": {
			open(wire.StateApplying, "giving access is frozen since today: it goes on after `starter unfreeze`", of),
			[]string{"is not applied: giving access is frozen since today", "then press Retry failed provisioning"},
		},
		"scheduled": {
			requestrecord.Observation{Status: &wire.RequestStatus{
				State: wire.StateScheduled, Plan: &of, StartsAt: new(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)),
			}},
			[]string{"gives the role at 2026-03-01 08:00:00 UTC"},
		},
		"releasing": {open(wire.StateReleasing, "", of), []string{"is about to end"}},
		"failed": {
			requestrecord.Observation{Over: true, Failure: errors.New("no user with id 7 is on the console")},
			[]string{"could not be planned: no user with id 7", "start a sync"},
		},
		"expired": {ended(wire.StateExpired, "", "x", of), []string{"has expired meanwhile"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeRequests{look: of, seen: []requestrecord.Observation{c.seen}}
			_, _, err := doGrant(t, f)
			requireFailed(t, err, append(c.want, "grant/c1-")...)
		})
	}
}

// An approver may have shortened the grant: it is in force, and open until its end.
func TestGrant_Shortened(t *testing.T) {
	t.Parallel()
	of := plan(access.OpGrant, access.Applied)
	f := &fakeRequests{look: of, seen: []requestrecord.Observation{
		open(wire.StateAwaitingApproval, "for 1 of 1 from soc-leads", of), open(wire.StateActive, "", of),
	}}
	grants, _, err := doGrant(t, f)
	require.NoError(t, err)
	require.Len(t, grants, 1)

	// One that was in force before, while the console does not show the role, was undone by hand.
	f = &fakeRequests{look: of, joins: true, seen: []requestrecord.Observation{open(wire.StateActive, "", of)}}
	_, _, err = doGrant(t, f)
	requireFailed(t, err, "was removed by hand", "`starter end grant/c1-")
	require.Equal(t, 2, f.looks)
}

// Who can reach Temporal can start anything under any id.
func TestGrant_OtherRequest(t *testing.T) {
	t.Parallel()
	other := plan(access.OpGrant, access.Applied)
	other.Principal.ID = "8"
	f := &fakeRequests{look: plan(access.OpGrant, access.Applied), joins: true, seen: []requestrecord.Observation{
		ended(wire.StateGranted, access.Applied, "", other),
	}}
	_, _, err := doGrant(t, f)
	requireFailed(t, err, "is the id of a request for something else")
}

// While the role is being removed, the console may still show it.
func TestGrant_WhileRevoking(t *testing.T) {
	t.Parallel()
	of := target{principal: dani, holding: soc}
	f := &fakeRequests{
		look:    plan(access.OpGrant, access.AlreadyHeld, access.HeldRole{RoleID: "2", ScopeID: "9"}),
		running: map[string]bool{of.revokeID(console): true},
	}
	_, _, err := doGrant(t, f)
	requireFailed(t, err, of.revokeID(console)+" still removes the same role")
}

// Without a look nothing is requested; a request that is open already is joined.
func TestGrant_NoLook(t *testing.T) {
	t.Parallel()
	of := target{principal: dani, holding: soc}
	f := &fakeRequests{lookErr: explain.Newf(codes.Unavailable, "the console does not answer: wait")}
	_, _, err := doGrant(t, f)
	require.ErrorContains(t, err, "the console does not answer")
	require.Equal(t, codes.Aborted, status.Code(err), "the SDK must not try again")
	require.Empty(t, f.begun)

	f = &fakeRequests{
		lookErr: errors.New("the console does not answer"), joins: true,
		running: map[string]bool{of.grantID(console): true}, seen: []requestrecord.Observation{applied()},
	}
	_, _, err = doGrant(t, f)
	require.NoError(t, err)
}

func TestTargetOf(t *testing.T) {
	t.Parallel()
	user := func(id string) *v2.ResourceId {
		return v2.ResourceId_builder{ResourceType: resources.User, Resource: id}.Build()
	}
	of := func(r *v2.Resource, slug string, p *v2.ResourceId) (target, error) {
		return targetOf(v2.Entitlement_builder{Id: "e:assigned", Slug: slug, Resource: r}.Build(), p)
	}
	got, err := of(assignment(t, "2", resources.Tenant, resources.TenantID), resources.Assigned,
		v2.ResourceId_builder{ResourceType: resources.ServiceUser, Resource: "7"}.Build())
	require.NoError(t, err)
	require.Equal(t, target{
		principal: access.PrincipalRef{Kind: access.ServiceUser, ID: "7"},
		holding:   access.Holding{Level: access.Tenant, RoleID: "2"},
	}, got)
	got, err = of(assignment(t, "2", resources.Account, "5"), "", user("7"))
	require.NoError(t, err)
	require.Equal(t, access.AccountLevel, got.holding.Level)

	site := assignment(t, "2", resources.Site, "9")
	for _, c := range []struct {
		want, slug string
		of         *v2.Resource
		principal  *v2.ResourceId
	}{
		{"cannot be provisioned", "member", site, user("7")},
		{"did not say which role", "", &v2.Resource{}, user("7")},
		{`at group "9": a role is held at the tenant`, "", assignment(t, "2", "group", "9"), user("7")},
		{`names role "" at site "9"`, "", assignment(t, "", resources.Site, "9"), user("7")},
		{"console ids are digits only", "", assignment(t, "x", resources.Site, "9"), user("7")},
		{"only users and service users", "", site, site.GetId()},
		{"principal: give one of", "", site, user("")},
	} {
		_, err := of(c.of, c.slug, c.principal)
		require.ErrorContains(t, err, c.want)
		require.Equal(t, codes.InvalidArgument, status.Code(err), c.want)
	}

	_, err = targetOf(v2.Entitlement_builder{Id: "role_assignment:2-9:member", Resource: site}.Build(), user("7"))
	require.ErrorContains(t, err, `"role_assignment:2-9:member" of a role assignment cannot be provisioned`)
	site.GetId().SetResource("1-9")
	_, err = of(site, resources.Assigned, user("7"))
	require.ErrorContains(t, err, "another role or scope than its id says")
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

// Ids differ in everything that they are made from, and say nothing of it.
func TestTarget_Key(t *testing.T) {
	t.Parallel()
	fixed := target{principal: dani, holding: soc}
	others := map[string]bool{fixed.key("b.sentinelone.net"): true}
	for _, change := range []func(*target){
		func(x *target) { x.principal.Kind = access.ServiceUser }, func(x *target) { x.principal.ID = "71" },
		func(x *target) { x.holding.RoleID = "12" }, func(x *target) { x.holding.ScopeID = "19" },
		func(x *target) { x.holding.Level = access.AccountLevel },
		func(x *target) { x.holding.Level, x.holding.ScopeID = access.Tenant, "" },
		func(*target) {},
	} {
		other := fixed
		change(&other)
		require.Regexp(t, `^grant/c1-[a-z2-7]{16}$`, other.grantID(console))
		require.Regexp(t, `^revoke/c1-[a-z2-7]{16}$`, other.revokeID(console))
		others[other.key(console)] = true
	}
	require.Len(t, others, 8)
	// What ConductorOne sends again after an update of the connector must join: the id never changes.
	require.Equal(t, "c1-4btwivtzpaejri64", fixed.key(console))
}

// A connector that only reads says so.
func TestGrant_ReadsOnly(t *testing.T) {
	t.Parallel()
	var none *Provisioner
	_, _, err := none.Grant(t.Context(), v2.Resource_builder{Id: ana}.Build(), assigned(t))
	requireFailed(t, err, "this connector only reads")
	_, err = none.Revoke(t.Context(), &v2.Grant{})
	requireFailed(t, err, "this connector only reads")
}
