package activities

import (
	"context"
	"strings"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// sodAttempts is how often an approval is kept waiting for a console that does not
// answer, some 15 seconds in all. After that it counts: what it allows is looked at once
// more when it is applied, and a console that is down must not hold decisions up.
const sodAttempts = 4

// checkSoD refuses an approval that would combine roles that nobody may
// hold both of. It is an error where that cannot be told yet.
func (r *Request) checkSoD(ctx context.Context, in wire.DecideInput, entry *ledger.Decision) error {
	if in.SoD == nil || entry.Refusal != "" || in.Decision.Action != "approve" {
		return nil
	}
	who := in.SoD.Principal
	p, err := r.console.Principal(ctx, who.Kind, who.ID)
	switch {
	case isNotFound(err):
		return nil // applying says so
	case err != nil && activity.GetInfo(ctx).Attempt <= sodAttempts && !fault.KindOf(err).Final():
		return err
	case err != nil:
		activity.GetLogger(ctx).Warn("Separation of duties was not checked for a decision, since the console "+
			"does not answer; it is checked when the role is applied", "request", in.Request.ID, "error", err)
		return nil
	}
	var none access.OwnershipState
	if step := none.Apply(in.SoD.Change, p.Holdings()); step.Outcome == access.RolesConflict {
		entry.Refusal = conflictText(step)
	}
	return nil
}

// conflictText says which roles a step would bring together.
func conflictText(step access.Step) string {
	all := make([]string, len(step.Conflicts))
	for i, x := range step.Conflicts {
		all[i] = x.String()
	}
	return strings.Join(all, "; ")
}
