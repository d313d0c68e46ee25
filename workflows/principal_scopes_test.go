package workflows_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// ofScopes is a change of a grant of SOC at several sites.
func ofScopes(op access.Op, long time.Duration, sites ...string) wire.ChangeRequest {
	plan := access.Plan{Role: access.RoleRef{ID: soc.RoleID}}
	for _, id := range sites {
		plan.Scopes = append(plan.Scopes, access.ScopeRef{Level: access.SiteLevel, ID: id})
	}
	plan.Scope = plan.Scopes[0]
	l := leaseOf("grant/a#run", plan.Holding(), long)
	return wire.ChangeRequest{
		Key: access.ChangeKey(l.ID, op), Request: "grant/a", Change: access.Change{Op: op, Lease: l}.WithScopes(plan),
	}
}

func leaseIDs(all []access.Lease) (out []string) {
	for _, l := range all {
		out = append(out, l.ID)
	}
	return out
}

// A grant with several scopes that nobody releases is released by one change, under the key and
// the lease of its run: the authority knows no other change of it.
func TestPrincipal_ReleasesAllScopesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	w.carriesOut()
	w.confirms()
	w.sendChange(time.Second, ofScopes(access.OpAcquire, time.Hour, "101", "102", "103"))
	b := leaseOf("grant/b#run", soc, 2*time.Hour) // which keeps the role at one of them
	b.ScopeID = "102"
	w.sendChange(2*time.Second, acquires(b))
	var between access.Holdings
	w.at(90*time.Minute, func() { between = w.actual })
	w.run()
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{
		"grant/a#run/acquire", "grant/b#run/acquire", "grant/a#run/release", "grant/b#run/release",
	}, w.written())
	overdue := w.writes[2].Change
	require.Equal(t, "grant/a", overdue.Request)
	require.Equal(t, []string{"grant/a#run", "grant/a#run+2", "grant/a#run+3"}, leaseIDs(overdue.Change.Leases()))
	require.Equal(t, holds(viewer, b.Holding), between)
	require.Equal(t, holds(viewer), w.actual)
}

// A writer may know the leases at the further scopes only: they are released all the same, by the
// change of their run.
func TestPrincipal_ReleasesWithoutTheFirstScope(t *testing.T) {
	t.Parallel()
	acquire := ofScopes(access.OpAcquire, time.Hour, "101", "102", "103")
	acquire.Change.Also[0].End, acquire.Change.Also[1].End = began.Add(time.Hour), began.Add(time.Hour)
	further := acquire.Change.Also
	held := holds(viewer, further[0].Holding, further[1].Holding)
	w := newWriter(t)
	w.actual = held
	w.carriesOut()
	w.confirms()
	w.known = access.OwnershipState{
		Known: true, Baseline: holds(viewer), Proven: held, Leases: []access.Lease{further[1], further[0]},
	}
	w.resume(wire.PrincipalInput{
		WriterStart: whose, Holders: []wire.LeaseHolder{{Lease: "grant/a#run", Request: "grant/a"}},
		Ownership: w.known.LeasesOnly(),
	})
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{"grant/a#run/release"}, w.written())
	change := w.writes[0].Change
	require.Equal(t, "grant/a", change.Request)
	require.Equal(t, "grant/a#run", change.Change.Lease.ID)
	require.ElementsMatch(t, []string{"grant/a#run+2", "grant/a#run+3"}, leaseIDs(change.Change.Also))
	require.Equal(t, holds(viewer), w.actual)
}

// Whoever gave access at the further scopes only is remembered as their holder, so that an
// extension moves their end.
func TestPrincipal_HolderWithoutTheFirstScope(t *testing.T) {
	t.Parallel()
	w := newWriter(t)
	in := ofScopes(access.OpAcquire, time.Hour, "101", "102")
	w.on(wire.WriteActivity, change(in.Key)).
		Return(func(ctx context.Context, in wire.WriteInput) (wire.WriteResult, error) {
			out, err := w.write(ctx, in)
			out.Next.Leases = slices.DeleteFunc(slices.Clone(out.Next.Leases), func(l access.Lease) bool {
				return l.ID == in.Change.Change.Lease.ID
			})
			return out, err
		}).Once()
	w.on(wire.WriteActivity, mock.Anything).Return(w.write)
	w.confirms()
	w.sendChange(time.Second, in)
	later := in
	later.Change.Lease.End = began.Add(5 * time.Hour)
	moved := w.sendChange(time.Minute, later)
	w.at(2*time.Minute, func() {
		require.Equal(t, []string{"grant/a#run+2"}, leaseIDs(w.state().Leases))
		require.Equal(t, began.Add(5*time.Hour), w.state().Leases[0].End)
	})
	w.run()
	require.True(t, moved.done)
	require.Equal(t, []string{in.Key, "grant/a#run/release"}, w.written())
	require.Equal(t, began.Add(5*time.Hour+time.Minute+5*time.Second), w.Now().UTC())
}
