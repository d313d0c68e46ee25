package activities_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/activities"
	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// grantScopes is a grant of a role at several sites for an hour, which nobody releases.
func (l *timeline) grantScopes(id, role string, sites ...string) access.Change {
	l.t.Helper()
	lease := access.Lease{
		ID: "grant/" + id + "#run", Holding: access.Holding{Level: access.SiteLevel, RoleID: role, ScopeID: sites[0]},
	}
	var of access.Plan
	activities.RecordRequest(l.t, l.store, l.who, access.OpAcquire, lease, l.start, func(p *access.Plan) {
		for _, site := range sites {
			p.Scopes = append(p.Scopes, access.ScopeRef{Level: access.SiteLevel, ID: site})
		}
		of = *p
	})
	lease.End = l.at(60)
	change := access.Change{Op: access.OpAcquire, Lease: lease}.WithScopes(of)
	l.events = append(l.events, event{minute: 0, change: &wire.ChangeRequest{
		Key: access.ChangeKey(lease.ID, access.OpAcquire), Request: "grant/" + id, Change: change,
	}})
	return change
}

func (l *timeline) entries(id string) (keys []string, proofs map[string]access.Proof) {
	l.t.Helper()
	all, err := l.store.LedgerOf(l.t.Context(), l.who.Console, "grant/"+id)
	require.NoError(l.t, err)
	proofs = map[string]access.Proof{}
	for _, e := range all {
		body, err := ledger.Decode(e)
		require.NoError(l.t, err)
		require.NotEqual(l.t, ledger.KindUnauthorized, e.Kind, "%s: %+v", e.Key, body)
		if proof, ok := body.(ledger.Proof); ok {
			keys = append(keys, proof.Proof.Key)
			proofs[proof.Proof.Key] = proof.Proof
		}
	}
	return keys, proofs
}

// A grant with several scopes whose workflow is gone is released at all of them by one change of
// its run, which the authority covers. A hand edit at one of them stands.
func TestWriter_ReleasesOverdueScopes(t *testing.T) {
	t.Parallel()
	for name, byHand := range map[string]int{"all ours": -1, "the first by hand": 0, "another by hand": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newTimeline(t, consoletest.Options{})
			truth := l.console.Truth()
			sites := []string{truth.Sites[0].ID, truth.Sites[1].ID, truth.Sites[2].ID}
			viewer, soc, edited := truth.Roles[0].ID, truth.Roles[1].ID, truth.Roles[2].ID
			l.grantScopes("A", soc, sites...)
			want := []string{viewer, "", ""}
			l.then(30, func() {
				held := []access.HeldRole{}
				for i, site := range sites {
					require.Equal(t, soc, l.roleAt(site))
					held = append(held, access.HeldRole{RoleID: soc, ScopeID: site})
					if i == byHand {
						held[i].RoleID, want[i] = edited, edited
					}
				}
				require.NoError(t, l.console.SetUserRoles(l.who.ID, access.SiteLevel, held))
			})
			l.run()
			for i, site := range sites {
				require.Equal(t, want[i], l.roleAt(site))
			}
			keys, proofs := l.entries("A")
			require.Equal(t, []string{"grant/A#run/acquire", "grant/A#run/release"}, keys)
			released := proofs["grant/A#run/release"]
			require.Len(t, released.Writes, 1)
			for i, s := range released.Scopes {
				outcome := access.Released
				if i == byHand {
					outcome = access.Superseded
				}
				require.Equal(t, access.ScopeOutcome{ScopeID: sites[i], Outcome: outcome}, s)
			}
		})
	}
}

// A change that is named after a lease at a further scope is none of its request.
func TestWriter_RefusesChangesOfFurtherScopes(t *testing.T) {
	t.Parallel()
	l := newTimeline(t, consoletest.Options{})
	truth := l.console.Truth()
	c := l.grantScopes("A", truth.Roles[1].ID, truth.Sites[0].ID, truth.Sites[1].ID)
	further := access.Change{Op: access.OpAcquire, Lease: c.Also[0]}
	l.events = []event{{minute: 0, change: &wire.ChangeRequest{
		Key: access.ChangeKey(further.Lease.ID, further.Op), Request: "grant/A", Change: further,
	}}}
	l.then(1, func() { require.Empty(t, l.roleAt(truth.Sites[1].ID)) })
	l.run()
	answer := l.answers["grant/A#run+2/acquire"]
	require.Equal(t, access.Unauthorized, answer.Proof.Outcome)
	require.Contains(t, answer.Message, "the ledger holds no request grant/A#run+2 with a plan")
}
