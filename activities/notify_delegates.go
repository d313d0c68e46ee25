package activities

import (
	"context"
	"slices"

	"go.temporal.io/sdk/activity"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// addDelegates adds to the approvers the people they have delegated their decisions
// to. Telling people must not fail for it.
func (n *Notify) addDelegates(ctx context.Context, e *wire.Event, except []string) {
	pending := e.Type == wire.EventRequested || e.Type == wire.EventReminder || e.Type == wire.EventEscalated
	if !pending || len(e.People) == 0 {
		return
	}
	handed, err := n.store.Delegations(ctx, store.DelegationsQuery{Console: n.console, At: e.At, By: e.People})
	if err != nil {
		activity.GetLogger(ctx).Warn("Cannot look up delegates, who are not notified", "error", err)
		return
	}
	e.People = slices.Clone(e.People)
	for _, d := range handed {
		is := func(name string) bool { return access.Fold(name) == access.Fold(d.To) }
		if !slices.ContainsFunc(e.People, is) && !slices.ContainsFunc(except, is) {
			e.People = append(e.People, d.To)
		}
	}
}
