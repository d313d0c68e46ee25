package activities

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt/attempttest"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// addLeaver is somebody who holds two roles.
func (m *accountFixture) addLeaver(kind access.Kind, change func(*access.Principal)) access.Principal {
	m.t.Helper()
	p := access.Principal{Kind: kind, Name: "carol", Level: access.SiteLevel}
	for _, site := range m.console.Truth().Sites[:2] {
		p.Held = append(p.Held, access.HeldRole{RoleID: m.role.ID, ScopeID: site.ID})
	}
	add := m.console.AddServiceUser
	if kind == access.User {
		p.Email, add = "carol@example.com", m.console.AddUser
	}
	if change != nil {
		change(&p)
	}
	id, err := add(p)
	require.NoError(m.t, err)
	p.ID = id
	return p
}

func (m *accountFixture) offboardInput(op access.Op, p access.Principal) wire.PlanInput {
	in := wire.PlanInput{
		Request: m.info("offboard/INC-42"), Op: op,
		Principal: access.PrincipalSelector{Kind: p.Kind, ID: p.ID}, Terms: access.Terms{Requester: "bob@example.com"},
	}
	if op == access.OpReset {
		in.Role, in.Scope = access.RoleSelector{Name: "Viewer"}, access.ScopeSelector{Level: access.Tenant}
	}
	return in
}

func (m *accountFixture) plan(in wire.PlanInput) access.Plan {
	m.t.Helper()
	out, err := executeFor[wire.PlanResult](m, wire.PlanActivity, in)
	require.NoError(m.t, err)
	return out.Plan
}

// The plan says what is lost, before anything is.
func TestPlan_Offboarding(t *testing.T) {
	t.Parallel()
	for _, kind := range []access.Kind{access.User, access.ServiceUser} {
		m := newAccountFixture(t, consoletest.Options{})
		p := m.addLeaver(kind, nil)
		deleted := m.plan(m.offboardInput(access.OpDelete, p))
		require.Empty(t, deleted.Refusal)
		require.Equal(t, access.Deleted, deleted.Expected)
		require.Len(t, deleted.Before.Held, 2)
		require.Empty(t, deleted.After.Held)
		require.Contains(t, deleted.Notes, "deletes the principal")
		require.Contains(t, deleted.Notes, offboardNote)

		reset := m.plan(m.offboardInput(access.OpReset, p))
		require.Empty(t, reset.Refusal)
		require.Equal(t, access.Tenant, reset.After.Level)
		require.Len(t, reset.After.Held, 1)
		require.Contains(t, reset.Notes, "moves the principal from site to tenant level")
	}
}

// Nobody locks the worker out, takes the console's own users away, or fights with
// other systems that manage a user's roles.
func TestPlan_WhoIsNotOffboarded(t *testing.T) {
	t.Parallel()
	system := func(p *access.Principal) { p.IsSystem = true }
	elsewhere := func(p *access.Principal) { p.RolesReadOnly = true }
	cases := map[string]struct {
		change       func(*access.Principal)
		delete, base string // why not; "" if it may be
	}{
		"system user":        {system, "system user", "system user"},
		"governed elsewhere": {elsewhere, "", "read-only in the console"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newAccountFixture(t, consoletest.Options{})
			p := m.addLeaver(access.User, c.change)
			for op, why := range map[access.Op]string{access.OpDelete: c.delete, access.OpReset: c.base} {
				got := m.plan(m.offboardInput(op, p)).Refusal
				require.Contains(t, got, why)
				require.Equal(t, why == "", got == "", got)
			}
		})
	}
	t.Run("the token's own", func(t *testing.T) {
		t.Parallel()
		m := newAccountFixture(t, consoletest.Options{})
		own := m.addLeaver(access.User, func(p *access.Principal) {
			p.Level, p.Held = access.Tenant, []access.HeldRole{{RoleID: m.role.ID}}
		})
		_, id := m.console.TokenOwner()
		require.Equal(t, own.ID, id)
		for _, op := range []access.Op{access.OpDelete, access.OpReset} {
			require.Contains(t, m.plan(m.offboardInput(op, own)).Refusal, "owns the API token")
		}
	})
	t.Run("likely the token's own", func(t *testing.T) {
		t.Parallel()
		ends := time.Date(2035, 3, 1, 9, 0, 0, 0, time.UTC)
		m := newAccountFixture(t, consoletest.Options{OwnerIsServiceUser: true, TokenExpiresAt: ends})
		own := m.addLeaver(access.ServiceUser, func(p *access.Principal) { p.TokenExpiresAt = &ends })
		other := m.addLeaver(
			access.ServiceUser,
			func(p *access.Principal) { p.TokenExpiresAt = new(ends.Add(time.Hour)) },
		)
		require.Contains(t, m.plan(m.offboardInput(access.OpDelete, own)).Refusal, "may own the API token")
		require.Empty(t, m.plan(m.offboardInput(access.OpDelete, other)).Refusal)
	})
}

// write makes attempts until one ends it.
func (m *accountFixture) write(in wire.WriteInput) wire.WriteResult {
	m.t.Helper()
	for range 20 {
		out, err := executeFor[wire.WriteResult](m, wire.WriteActivity, in)
		if err == nil {
			return out
		}
		require.False(m.t, attempttest.ApplicationError(m.t, err).NonRetryable(), "%v", err)
		m.betweenAttempts()
	}
	require.Fail(m.t, "it never ends")
	return wire.WriteResult{}
}

// Whatever the console says to a deletion, the principal is gone in the end, and it is
// proven by a read.
func TestWrite_Delete(t *testing.T) {
	t.Parallel()
	for _, kind := range consoletest.FaultKinds() {
		if kind == consoletest.EmptyPage || kind == consoletest.Vanish || kind == consoletest.Slow {
			continue
		}
		for _, who := range []access.Kind{access.User, access.ServiceUser} {
			t.Run(string(kind)+" "+string(who), func(t *testing.T) {
				t.Parallel()
				m := newAccountFixture(t, consoletest.Options{})
				p := m.addLeaver(who, nil)
				m.addFault(consoletest.Fault{Name: kind, Method: http.MethodDelete})
				in := m.deletion(p)
				out := m.write(in)
				require.Equal(t, access.Deleted, out.Proof.Outcome)
				require.True(t, out.Proof.Reads[len(out.Proof.Reads)-1].Gone)
				require.Equal(t, out, m.write(in), "asked again, it is the first answer")
				for _, x := range m.console.Truth().Principals {
					require.NotEqual(t, p.ID, x.ID)
				}
			})
		}
	}
}

func (m *accountFixture) deletion(p access.Principal) wire.WriteInput {
	m.t.Helper()
	lease := access.Lease{ID: "offboard/INC-42#run"}
	who := wire.WriterStart{Console: m.client.Console(), Kind: p.Kind, ID: p.ID}
	RecordRequest(m.t, m.store, who, access.OpDelete, lease, time.Now(), nil)
	return wire.WriteInput{
		Writer: who,
		Change: wire.ChangeRequest{
			Key: access.ChangeKey(lease.ID, access.OpDelete), Request: "offboard/INC-42",
			Change: access.Change{Op: access.OpDelete, Lease: lease},
		},
	}
}

// A grant that ends after its principal was offboarded finds that it was taken over.
func TestWrite_ReleaseAfterDelete(t *testing.T) {
	t.Parallel()
	m := newAccountFixture(t, consoletest.Options{})
	p := m.addLeaver(access.User, nil)
	lease := access.Lease{ID: "grant/7#run", Holding: access.Holding{
		Level: access.SiteLevel, RoleID: m.role.ID, ScopeID: m.console.Truth().Sites[2].ID,
	}}
	change := func(op access.Op) wire.ChangeRequest {
		return wire.ChangeRequest{
			Key: access.ChangeKey(lease.ID, op), Request: "grant/7", Change: access.Change{Op: op, Lease: lease},
		}
	}
	in := m.deletion(p)
	RecordRequest(t, m.store, in.Writer, access.OpAcquire, lease, time.Now(), nil)
	given := m.write(wire.WriteInput{Writer: in.Writer, Change: change(access.OpAcquire)})
	require.Equal(t, access.Applied, given.Proof.Outcome)
	gone := m.write(in)
	require.Equal(t, access.Deleted, gone.Proof.Outcome)
	late := m.write(wire.WriteInput{Writer: in.Writer, Change: change(access.OpRelease)})
	require.Equal(t, access.Superseded, late.Proof.Outcome)
	require.Empty(t, late.Proof.Writes)
	require.Empty(t, late.Next.Leases)
}
