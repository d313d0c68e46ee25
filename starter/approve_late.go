package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// tooLate says why a request takes no decision any more: who decided it, when, and how
// it stands.
func (m decisionSender) tooLate(ctx context.Context, text string, ids ...string) error {
	found := m.requestRecord(ctx, m.engine, "", ids...)
	switch {
	case !found.Known():
		return notFound(found, text)
	case found.Receipt == nil:
		return fmt.Errorf("it takes no more decisions (%s)", found.Sentence())
	}
	return fmt.Errorf("it is too late: %s", lateText(*found.Receipt))
}

// lateText is "it was approved last by carol@example.com at 2026-03-03 14:00:00 UTC, and
// is granted".
func lateText(r access.Receipt) string {
	is := "is " + r.State
	if r.Message != "" && r.State != wire.StateDenied { // whose message repeats the decision
		is += ": " + r.Message
	}
	if !r.Plan.Approval.Required && r.Plan.Approval.Review == nil {
		return "nobody was asked, and it " + is
	}
	last, decided := lastDecision(r)
	if !decided {
		return "it " + is
	}
	how := "was approved last by "
	switch {
	case last.Action == wire.DenyUpdate:
		how = "was denied by "
	case r.State == wire.StateTimedOut:
		how = "was not approved by enough people in time, last by "
	}
	text := fmt.Sprintf("it %s%s at %s", how, last.By, describe.Second(last.At))
	if last.Comment != "" {
		text += fmt.Sprintf(" (%s)", last.Comment)
	}
	return text + ", and " + is
}

// lastDecision is the last one on the plan that counted in the end.
func lastDecision(r access.Receipt) (access.Decision, bool) {
	for _, d := range slices.Backward(r.Decisions) {
		if cmp.Or(d.PlanHash, r.Plan.Hash) == r.Plan.Hash {
			return d, true
		}
	}
	return access.Decision{}, false
}
