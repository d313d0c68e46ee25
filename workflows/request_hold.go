package workflows

import (
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// startHolding begins the time in which access is in force.
func (m *machine) startHolding(ctx workflow.Context) {
	m.endsAt = m.endOf(ctx)
	m.announce(ctx, wire.EventApplied)
	if m.plan.Approval.Review != nil {
		m.approval = approval.NewReview(approval.RequestOf(*m.plan), m.plan.Approval, workflow.Now(ctx))
		m.askApprovers(ctx)
	}
}

// endOf is when access that has just been applied ends; zero if it is permanent.
func (m *machine) endOf(ctx workflow.Context) time.Time {
	if !m.timeBound() {
		return time.Time{}
	}
	if !m.givenUntil.IsZero() { // counted from the first write, also after a reset
		return m.givenUntil
	}
	if end := m.leaseToAcquire().End; !end.IsZero() {
		return end
	}
	return workflow.Now(ctx).Add(time.Duration(m.terms().Duration)).UTC()
}

// hold keeps access in force until its end, which may move, or until something ends it
// before. A cancellation in Temporal says not who it is from: where signatures are required
// it ends nothing.
func (m *machine) hold(ctx workflow.Context) (event, error) {
	if m.mustSign {
		open, stop := workflow.NewDisconnectedContext(ctx)
		defer stop()
		ctx = open
	}
	for {
		end := m.endsAt
		moved := func() bool { return m.due(workflow.Now(ctx)) != "" || !m.endsAt.Equal(end) }
		if err := m.warn(ctx, end, moved); err != nil {
			return "", err
		}
		if _, err := awaitUntil(ctx, end, "end of the grant", moved); err != nil {
			return "", err
		}
		if happened := m.due(workflow.Now(ctx)); happened != "" {
			return happened, nil
		}
	}
}

// due is what ends the time in which access is in force, if it has come; "" if not.
func (m *machine) due(now time.Time) event {
	switch {
	case m.stop != nil:
		return m.stop.on
	case m.reviewFailed():
		return onReviewFailed
	case m.approval.Review && m.approval.Verdict == approval.Approved && m.endsAt.IsZero():
		return onReviewPassed
	case !m.endsAt.IsZero() && !now.Before(m.endsAt):
		return onEndReached
	}
	return ""
}

// holdsUntil says what access in force waits for next.
func (m *machine) holdsUntil() string {
	var waits []string
	if m.inReview() {
		waits = append(waits, m.approval.Pending())
	}
	if !m.endsAt.IsZero() {
		waits = append(waits, "for its end at "+at(m.endsAt))
	}
	if m.extensionPending() {
		waits = append(waits, "for the approval of an extension until "+at(m.extension.asked.EndsAt)+": "+
			m.extension.approval.Pending())
	}
	return strings.Join(slices.DeleteFunc(waits, blank), ", and ")
}

// warn tells people some time before the end, where people are told at all.
func (m *machine) warn(ctx workflow.Context, end time.Time, moved func() bool) error {
	if !m.notifies || end.IsZero() {
		return nil
	}
	before := end.Add(-warnBefore(end.Sub(workflow.Now(ctx))))
	early, err := awaitUntil(ctx, before, "warning before the end", moved)
	if err == nil && !early {
		m.announce(ctx, wire.EventAboutToExpire)
	}
	return err
}
