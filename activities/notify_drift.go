package activities

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/wire"
)

// toldDrift is how many assignments one event lists; it counts all.
const toldDrift = 20

// drift is the event of drift that one explanation of the assignments has found first.
func (n *Notify) drift(ctx context.Context, in wire.Event) (built, error) {
	counts, rows, err := n.store.DriftFound(ctx, n.console, in.Number, toldDrift)
	if err != nil {
		return built{}, err
	}
	if len(rows) == 0 {
		return built{}, noGround("the store has no drift that was found then")
	}
	out := built{pinned: wire.Event{Type: in.Type, Number: in.Number}}
	out.At, out.Drift = rows[0].FoundAt, notify.DriftCounts(counts)
	for _, r := range rows {
		role, scope := oneLine(r.RoleName, maxPerson), oneLine(r.ScopeName, maxPerson)
		at := "the tenant"
		if r.ScopeID != "" {
			at = fmt.Sprintf("%s %s", r.Level, orID(scope, r.ScopeID))
		}
		who := oneLine(r.Email, maxPerson)
		if who == "" {
			who = orID(oneLine(r.Name, maxPerson), r.ID)
		}
		line := fmt.Sprintf("%s: role %s of %s %s at %s", r.Drift, orID(role, r.RoleID), describe.Kind(r.Kind), who, at)
		if r.Request != "" {
			line += ", by " + oneLine(r.Request, maxPerson)
		}
		out.Details = append(out.Details, line)
	}
	if more := counts.Drift() - len(rows); more > 0 {
		out.Details = append(out.Details, fmt.Sprintf("and %d more: run `starter drift`", more))
	}
	return out, nil
}

func orID(name, id string) string {
	if name == "" {
		return oneLine(id, maxPerson)
	}
	return name
}
