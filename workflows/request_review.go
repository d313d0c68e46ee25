package workflows

// A grant may start at once and be reviewed afterwards (break-glass), where the policy
// allows it. The review has a deadline, which counts from when the access is in force: with
// enough approvals it stays; with a denial, or without a review in time, the role is
// released at once. Access that ends before its review is released at its end, and the
// request stays open for the review, so that a short grant does not get around it.

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// inReview says that the review is pending.
func (m *machine) inReview() bool { return m.approval.Review && m.approval.Verdict == "" }

// reviewFailed says that it was denied in review, or not reviewed in time.
func (m *machine) reviewFailed() bool {
	s := m.approval
	return s.Review && (s.Verdict == approval.Denied || s.Verdict == approval.TimedOut)
}

// leaseEnd is when the writer may release the role without this workflow; zero for never.
func (m *machine) leaseEnd() time.Time {
	if deadline := m.approval.Deadline; m.inReview() && (m.endsAt.IsZero() || deadline.Before(m.endsAt)) {
		return deadline
	}
	return m.endsAt
}

// unreviewedTerm is how long the writer lets a role stand that is not reviewed yet: should
// this workflow be terminated, the writer releases it by then.
func (m *machine) unreviewedTerm(length access.Duration) access.Duration {
	r := m.plan.Approval.Review
	if r == nil || length > 0 && length < r.Within {
		return length
	}
	return r.Within
}

// extendToFullTerm tells the writer the end that a grant has once it is reviewed.
func (m *machine) extendToFullTerm(ctx workflow.Context) {
	if !m.approval.Review {
		return
	}
	if err := m.ending.Lock(ctx); err != nil { // an extension under way knows an older end
		return
	}
	defer m.ending.Unlock()
	if m.approval.Verdict != approval.Approved || m.at != active || !m.approval.Deadline.Before(m.endsAt) {
		return
	}
	if err := m.notifyWriter(ctx, m.extensionOf(m.endsAt, "reviewed"), nil); err != nil {
		m.log.Error("Writer does not know the end of a grant that is reviewed", "error", err)
	}
}

// makePermanent turns the lease of access that is reviewed into a permanent grant. Where
// the role is gone meanwhile, it is not given again.
func (m *machine) makePermanent(ctx workflow.Context) (event, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	change := m.changeOf(access.OpGrant, m.lease())
	change.GrantProof = new(m.proofs[0].Summary())
	out, err := m.apply(open, change, "", 0)
	switch {
	case err != nil:
		m.why = "it could not be made permanent: " + reason(err)
	case !out.Proof.Granted():
		m.why = "it could not be made permanent: the role was gone already"
	default:
		return onApplied, nil
	}
	return onNotPermanent, nil
}

// awaitReview waits for the review of access that is released already.
func (m *machine) awaitReview(ctx workflow.Context) (event, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	err := workflow.Await(open, func() bool { return m.approval.Verdict != "" })
	return onReviewOver, err
}

// withReview adds to why a request ends how its review ended.
func (m *machine) withReview(end, why string) string {
	if !m.approval.Review {
		return why
	}
	review := m.reviewText()
	switch {
	case why != "":
		return why + "; " + review
	case end != wire.StateEnded:
		return review
	case m.approval.Verdict == approval.Denied:
		return "ended: " + review
	}
	return review + ": ended"
}

// reviewText is how the review ended.
func (m *machine) reviewText() string {
	switch m.approval.Verdict {
	case approval.Approved:
		return "reviewed by " + strings.Join(m.approval.Approvers(), ", ")
	case approval.Denied:
		last, _ := m.approval.LastDecision()
		text := "denied in review by " + last.Who()
		if last.Comment != "" {
			text += ": " + last.Comment
		}
		return text
	default:
		return fmt.Sprintf("not reviewed within %s", m.plan.Approval.Review.Within)
	}
}
