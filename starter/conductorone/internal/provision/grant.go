package provision

import (
	"context"
	"slices"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	sdkgrant "github.com/conductorone/baton-sdk/pkg/types/grant"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

func (p *Provisioner) grant(
	ctx context.Context, t target,
) ([]*v2.Grant, annotations.Annotations, error) {
	if err := p.noRevoke(ctx, t); err != nil {
		return nil, nil, err
	}
	given := []*v2.Grant{t.grant(t.holding)}
	held, err := p.holds(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	if held {
		return given, annotations.New(&v2.GrantAlreadyExists{}), nil
	}
	run, err := p.o.Requests.Begin(ctx, p.grantRequest(t, false))
	if err != nil {
		return nil, nil, err
	}
	answer, err := p.o.Waiter.Follow(ctx, p.o.Requests, run, false, grantSettled)
	if err != nil {
		return nil, nil, err
	}
	if isActive(answer) && !run.Started && !isOther(t, answer.Observation) {
		// It may have become active while it was joined, or long ago, and the role was removed by hand since.
		plan, err := p.o.Requests.DryRun(ctx, p.grantRequest(t, true))
		if err != nil {
			return nil, nil, err
		}
		if !isHeld(t, plan) {
			return nil, nil, removedByHand(run.WorkflowID)
		}
	}
	if err := grantError(t, answer); err != nil {
		return nil, nil, err
	}
	proofs, err := p.requireGiven(ctx, t, run)
	if err != nil {
		return nil, nil, err
	}
	return given, grantAnnotations(t, proofs), nil
}

func removedByHand(id string) error {
	return failf("%s has given the role, and the console does not show it any more, "+
		"so that it was removed by hand: end the request with `starter end %[1]s`, then %s", id, pressRetry)
}

// noRevoke fails while a revoke of the same role is open: the role may still be there, and will be gone.
func (p *Provisioner) noRevoke(ctx context.Context, t target) error {
	id := t.revokeID(p.o.Console)
	runs, err := p.o.Requests.Runs(ctx, id)
	if err != nil || !runs {
		return err
	}
	return failf(
		"%s still removes the same role: see `starter show %[1]s`, and once it has ended, %s", id, pressRetry)
}

// holds reports whether the principal has the role for good, so that there is nothing to request: a dry run asks the
// console, and no person. The last sync may be an hour old, and a request would ask people for a role that is there.
// If a request for the role is open, it is joined though the console does not answer.
func (p *Provisioner) holds(ctx context.Context, t target) (bool, error) {
	plan, err := p.o.Requests.DryRun(ctx, p.grantRequest(t, true))
	if err == nil {
		return p.isProvenHeld(ctx, t, isHeld(t, plan))
	}
	if runs, unknown := p.o.Requests.Runs(ctx, t.grantID(p.o.Console)); unknown != nil || !runs {
		return false, err
	}
	return false, nil
}

// isHeld reports whether the principal has the role, as the worker judges it: a console that is slow to show the
// worker's own last write may still show what was before.
func isHeld(t target, plan access.Plan) bool {
	return plan.Expected == access.AlreadyHeld || plan.Expected.Refused() && plan.Before.Holds(t.holding)
}

func isActive(a Answer) bool { return a.Status != nil && a.Status.State == wire.StateActive }

// grantSettled reports whether a grant is in a state in which waiting on is of no use: access is in force, begins at a
// time that was chosen, or must not be given until people say so.
func grantSettled(s wire.RequestStatus) bool {
	switch s.State {
	case wire.StateActive, wire.StateScheduled, wire.StateReleasing, wire.StateAwaitingReview:
		return true
	}
	return isFrozen(s)
}

func isFrozen(s wire.RequestStatus) bool { return strings.HasPrefix(s.Waiting, access.GivingFrozen) }

// grantError is nil if the role was given.
func grantError(t target, a Answer) error {
	switch {
	case isOther(t, a.Observation):
		return otherRequest(a)
	case !a.Over:
		return grantOpen(a)
	case a.Failure != nil:
		return failed(a)
	}
	switch r := a.Result; r.State {
	case wire.StateGranted:
		return nil
	case wire.StateExpired, wire.StateEnded:
		return failf("%s has %s meanwhile (%s): to request the role again, %s",
			a.Run.WorkflowID, r.State, r.Message, pressRetry)
	default:
		return refusal(a)
	}
}

// grantOpen is nil if the role of an open grant is in force.
func grantOpen(a Answer) error {
	if a.Status == nil {
		return pending(a)
	}
	switch s := a.Status; s.State {
	case wire.StateActive:
		return nil
	case wire.StateReleasing, wire.StateAwaitingReview:
		return failf("%s is about to end (%s): see `starter show %[1]s`, and once it has "+
			"ended, %s", a.Run.WorkflowID, s.State, pressRetry)
	}
	return pending(a)
}

// grantAnnotations tell ConductorOne what else the grant has done.
func grantAnnotations(t target, proofs []access.Proof) annotations.Annotations {
	var out annotations.Annotations
	if len(proofs) > 0 && proofs[0].Outcome == access.AlreadyHeld {
		out.Append(&v2.GrantAlreadyExists{})
	}
	for _, h := range lostBy(proofs) {
		out.Append(sdkgrant.NewGrantReplaced(t.grant(h).GetId()))
	}
	return out
}

// lostBy lists the roles that the writes of a grant have removed: those at another level, and the one whose place it
// took.
func lostBy(proofs []access.Proof) []access.Holding {
	var out []access.Holding
	for _, proof := range proofs {
		for _, w := range proof.Writes {
			if w.Status >= 200 && w.Status < 300 {
				out = append(out, w.Lost().Holdings()...)
			}
		}
	}
	slices.SortFunc(out, func(a, b access.Holding) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}
