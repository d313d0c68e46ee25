package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// isBadRequest reports whether the console refused the call with 400.
func isBadRequest(said error) bool {
	answer, ok := errors.AsType[*console.Error](said)
	return ok && answer.Kind == console.KindStatus && answer.Status == http.StatusBadRequest
}

// writeWithoutDeletedRoles repeats a write that the console refused, without the roles that no
// longer exist: a role of the baseline may have been deleted while a lease replaced it, and
// access that must end must not wait for that role to return.
func (w *changeAttempt) writeWithoutDeletedRoles(
	ctx context.Context, step access.Step, actual access.Read, said error,
) (wire.WriteResult, error) {
	roles, err := w.console.AllRoles(ctx)
	if err != nil {
		cause := fmt.Errorf("%w (after %v)", err, said) //nolint:errorlint // the list decides
		return wire.WriteResult{}, kinds.New(kinds.Unavailable, cause)
	}
	gone := deletedRoles(step.After, actual.Holdings, roles)
	if len(gone) == 0 {
		return wire.WriteResult{}, w.retryConflict(said)
	}
	left := step.WithoutDeletedRoles(gone, w.in.Change.Change)
	switch {
	case left.Refused() && w.in.Change.Change.Op == access.OpRelease:
		return wire.WriteResult{}, kinds.New(kinds.Refused, errors.New(ruleRefusal(left, left.Before.Level)))
	case left.Refused() || !left.Writes():
		return w.conclude(ctx, left, actual)
	}
	done, err := w.authorize(ctx, left, actual)
	if err != nil || done != nil {
		return resultOf(done), err
	}
	return w.writeAndVerify(ctx, left, actual)
}

// deletedRoles lists the roles that are wanted, and neither held now nor on the console.
func deletedRoles(want, actual access.Holdings, roles []access.Role) []string {
	var out []string
	for _, h := range want.Held {
		held := slices.ContainsFunc(actual.Held, func(x access.HeldRole) bool { return x.RoleID == h.RoleID })
		known := slices.ContainsFunc(roles, func(r access.Role) bool { return r.ID == h.RoleID })
		if !held && !known && !slices.Contains(out, h.RoleID) {
			out = append(out, h.RoleID)
		}
	}
	return out
}
