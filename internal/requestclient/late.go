package requestclient

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// TooLateError says that a request accepts no more decisions, and who decided it.
type TooLateError struct{ Record requestrecord.Record }

func (e *TooLateError) Error() string {
	if e.Record.Receipt == nil {
		return fmt.Sprintf("it accepts no more decisions (%s)", e.Record.Sentence())
	}
	return "it is too late: " + lateText(*e.Record.Receipt)
}

// tooLate is why a request accepts no decision; typed is its id as the person typed it.
func (c Client) tooLate(ctx context.Context, typed string, ids ...string) error {
	r := c.Record(ctx, ids...)
	if !r.Known() {
		return r.NotFound(typed)
	}
	return &TooLateError{Record: r}
}

// lateText is "it was approved last by carol@example.com at 2026-03-03 14:00:00 UTC, and
// is granted".
func lateText(r access.Receipt) string {
	is := "is " + r.State
	if r.Message != "" && r.State != wire.StateDenied { // whose message repeats the decision
		is += ": " + r.Message
	}
	if !r.Plan.Approval.Required && r.Plan.Approval.Review == nil {
		return "it needed no approval, and " + is
	}
	last, decided := lastDecision(r)
	if !decided {
		return "it " + is
	}
	how := "was approved last by "
	switch {
	case last.Action == approval.Deny:
		how = "was denied by "
	case r.State == wire.StateTimedOut:
		how = "did not get enough approvals in time, the last one by "
	}
	text := fmt.Sprintf("it %s%s at %s", how, last.By, describe.Second(last.At))
	if last.Comment != "" {
		text += fmt.Sprintf(" (%s)", last.Comment)
	}
	return text + ", and " + is
}

// lastDecision is the last decision on the final plan.
func lastDecision(r access.Receipt) (access.Decision, bool) {
	for _, d := range slices.Backward(r.Decisions) {
		if cmp.Or(d.PlanHash, r.Plan.Hash) == r.Plan.Hash {
			return d, true
		}
	}
	return access.Decision{}, false
}
