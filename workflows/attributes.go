package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
)

// Search attributes of requests. They are not encrypted, so they hold ids and names of
// states, no names of people and no e-mail addresses. Renaming one breaks people's lists.
var (
	attributeState    = temporal.NewSearchAttributeKeyKeyword("SentinelOneState")
	attributeKind     = temporal.NewSearchAttributeKeyKeyword("SentinelOneKind")
	attributeRole     = temporal.NewSearchAttributeKeyKeyword("SentinelOneRoleId")
	attributeConsole  = temporal.NewSearchAttributeKeyKeyword("SentinelOneConsole")
	attributeDeadline = temporal.NewSearchAttributeKeyTime("SentinelOneDeadline")
	// attributePending says what waits for decisions while access is in force: see the values below.
	attributePending = temporal.NewSearchAttributeKeyKeyword("SentinelOnePending")
)

// Values of [attributePending]. Access in force always has one, so that a list of what is pending
// need not read each grant that is in force. Grants that an older release brought into force have
// none.
const (
	pendingExtension = "extension" // an extension waits for its approval
	pendingReview    = "review"    // break-glass access waits for its review
	pendingNothing   = "none"
)

// SearchAttributes lists what a server must know for requests to be found by it.
func SearchAttributes() []temporal.SearchAttributeKey {
	return []temporal.SearchAttributeKey{
		attributeState, attributeKind, attributeRole, attributeConsole, attributeDeadline, attributePending,
	}
}

// index makes the request findable, where the server knows our attributes; deadline is
// when what it waits for is due, zero for none, and pending what waits for an approval besides
// its state, "" for nothing. The summary in Temporal's UI needs no such thing.
func (r *request) index(ctx workflow.Context, deadline time.Time, pending string) {
	same := r.state == r.shown && deadline.Equal(r.deadline)
	if !r.indexed || same && pending == r.pending {
		return
	}
	if same && r.pending == pendingReview && pending != pendingExtension && !since(ctx, reviewsLeaveTheIndex) {
		return
	}
	updates := []temporal.SearchAttributeUpdate{attributeState.ValueSet(r.state)}
	if r.shown == "" {
		updates = append(updates, attributeKind.ValueSet(kindOf(r.plan.Op)), attributeRole.ValueSet(r.plan.Role.ID),
			attributeConsole.ValueSet(r.plan.Console))
	}
	switch {
	case !deadline.IsZero():
		updates = append(updates, attributeDeadline.ValueSet(deadline))
	case !r.deadline.IsZero():
		updates = append(updates, attributeDeadline.ValueUnset())
	}
	switch {
	case pending != "":
		updates = append(updates, attributePending.ValueSet(pending))
	case r.pending != "":
		updates = append(updates, attributePending.ValueUnset())
	}
	r.shown, r.deadline, r.pending = r.state, deadline, pending
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		r.log.Warn("Request cannot be found by its attributes", "error", err)
	}
}

// kindOf is the kind of a request as its search attribute names it, which is also how its
// customary workflow id begins.
func kindOf(op access.Op) string {
	switch op {
	case access.OpRevoke:
		return "revoke"
	case access.OpCreate:
		return "provision"
	case access.OpDelete, access.OpReset:
		return "offboard"
	case access.OpRotate:
		return "rotate"
	default:
		return "grant"
	}
}
