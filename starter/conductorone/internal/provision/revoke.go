package provision

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

func (p *Provisioner) revoke(ctx context.Context, t target) (annotations.Annotations, error) {
	// ConductorOne's last word is that the role goes: a grant that people may still approve would bring it back.
	left := p.o.Requests.Cancel(ctx, t.grantID(p.o.Console), "revoked in ConductorOne")
	plan, err := p.o.Requests.DryRun(ctx, p.revokeRequest(t, true))
	if isAbsent(plan, err) && p.isProvenAbsent(ctx, t) {
		return revoked(annotations.New(&v2.GrantAlreadyRevoked{}), t, p.o.Console, left)
	}
	// A look that failed holds up no end: the request looks itself, for as long as it takes.
	run, err := p.o.Requests.Begin(ctx, p.revokeRequest(t, false))
	if err != nil {
		return nil, err
	}
	answer, err := p.o.Waiter.Follow(ctx, p.o.Requests, run, true, func(wire.RequestStatus) bool { return false })
	if err != nil {
		return nil, err
	}
	if err := revokeError(t, answer); err != nil {
		return nil, err
	}
	proof, err := p.requireRemoved(ctx, t, run)
	if err != nil {
		return nil, err
	}
	var annos annotations.Annotations
	if proof.Outcome == access.AlreadyAbsent {
		annos.Append(&v2.GrantAlreadyRevoked{})
	}
	return revoked(annos, t, p.o.Console, left)
}

// revoked is the answer for a role that is gone, unless a grant that is open may bring it back.
func revoked(annos annotations.Annotations, t target, console string, left error) (annotations.Annotations, error) {
	if left == nil {
		return annos, nil
	}
	return nil, failf("the role is removed, but %s, which requests it again, could not be "+
		"cancelled (%w): cancel it with `starter cancel %[1]s`, then %[3]s", t.grantID(console), left, pressRetry)
}

// isAbsent reports whether a dry run has not found the role: also because the principal, the role or the scope is gone,
// so that it could not be planned.
func isAbsent(plan access.Plan, err error) bool {
	if err != nil {
		kind := kinds.Of(err)
		return kind == kinds.Invalid || kind == kinds.NotFound
	}
	return plan.Expected == access.AlreadyAbsent
}

// revokeError is nil if the role is gone.
func revokeError(t target, a Answer) error {
	switch {
	case isOther(t, a.Observation):
		return otherRequest(a)
	case !a.Over:
		return pending(a)
	case a.Failure != nil:
		return failed(a)
	case a.Result.State == wire.StateRevoked:
		return nil
	}
	// ConductorOne knows no decline of a revoke.
	return failf("%s", refusalText(a))
}
