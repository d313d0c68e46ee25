package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// maxExtensions bounds how often the end of one grant is moved, since Temporal takes only
// so many updates of a workflow: the last of them must not be what cannot end it.
const maxExtensions = 100

// mayAskToExtend says why an extension is turned away. Those that wait for their turn count
// towards the limit too: accepted, they are in the history.
func (m *machine) mayAskToExtend(ctx workflow.Context, in wire.ExtendInput) error {
	if err := mayAdd(ctx, in); err != nil {
		return err
	}
	if err := m.mayExtend(ctx, in); err != nil {
		return err
	}
	switch {
	case m.asking || m.extensionPending():
		return refused(m.pendingExtensionText())
	case m.plan.Principal.Is(in.By) && access.Fold(in.By) != access.Fold(m.spec.Terms.Requester):
		return refused(fmt.Sprintf("cannot extend: %s is the recipient: somebody else must ask for it",
			strings.TrimSpace(in.By)))
	case m.asked >= maxExtensions:
		return refused(fmt.Sprintf("cannot extend: it was extended, or that was asked for, %d times, "+
			"which is the limit; request a new grant", m.asked))
	}
	if waiting := m.extending; len(m.extensions)+waiting >= maxExtensions {
		return refused(fmt.Sprintf("cannot extend: it was extended %d times and %d extensions wait for the writer, "+
			"which is the limit; request a new grant", len(m.extensions), waiting))
	}
	return nil
}

// mayExtend says why an extension is refused: by the state of the grant, by its approvals,
// or because it would last too long.
func (m *machine) mayExtend(ctx workflow.Context, in wire.ExtendInput) error {
	if err := m.mayUpdate(onExtend, in.By, workflow.Now(ctx)); err != nil {
		return err
	}
	switch {
	case m.endsAt.IsZero():
		return refused("cannot extend: the access is permanent and has no end; use end to release it")
	case in.Duration <= 0:
		return refused(fmt.Sprintf("duration is %s: give one above 0, by which the end moves", in.Duration))
	case len(m.extensions) >= maxExtensions:
		return refused(fmt.Sprintf("cannot extend: it was extended %d times, which is the limit; request a new grant",
			len(m.extensions)))
	}
	if err := m.notShortened(); err != nil {
		return err
	}
	return m.notTooLong(in)
}

// notShortened refuses to extend a grant that an approver has shortened.
func (m *machine) notShortened() error {
	for _, d := range m.approval.Decisions {
		if d.Action == approval.Approve && d.Duration > 0 {
			return refused(fmt.Sprintf("cannot extend: %s has approved it for %s and no longer; request a new grant",
				d.Who(), d.Duration))
		}
	}
	return nil
}

// notTooLong refuses an extension beyond what the policy, or this program, allows in all.
func (m *machine) notTooLong(in wire.ExtendInput) error {
	from := m.info.StartedAt
	if requested := m.spec.Terms.StartAt; requested.After(from) {
		from = requested
	}
	total := m.endsAt.Add(time.Duration(in.Duration)).Sub(from)
	if longest := m.plan.Approval.MaxDuration; longest > 0 && access.Duration(total) > longest {
		return refused(fmt.Sprintf(
			"cannot extend: the grant would last %s in all, and the policy allows %s: add less, or request a new grant",
			access.Duration(total.Round(time.Second)), longest))
	}
	if total > wire.MaxDuration {
		return refused(fmt.Sprintf(
			"cannot extend: the grant would last %s in all, and the maximum is %s: add less, or request a new grant",
			access.Duration(total.Round(time.Second)), days(wire.MaxDuration)))
	}
	return nil
}

// extendAtOnce is how grants whose history was recorded before [extensionsAreApproved] move
// their end: nobody approves it. One extension at a time, so that the writer learns the ends
// in their order.
func (m *machine) extendAtOnce(ctx workflow.Context, in wire.ExtendInput) (wire.RequestAnswer, error) {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	m.extending++
	err := m.ending.Lock(open)
	m.extending--
	if err != nil {
		return wire.RequestAnswer{}, err
	}
	defer m.ending.Unlock()
	if err := m.mayExtend(ctx, in); err != nil { // the end may have come while it waited
		return wire.RequestAnswer{}, err
	}
	m.endsAt = m.endsAt.Add(time.Duration(in.Duration))
	m.extensions = append(m.extensions, access.Extension{
		At: workflow.Now(ctx).UTC(), By: strings.TrimSpace(in.By), Duration: in.Duration, EndsAt: m.endsAt,
	})
	m.log.Info("Grant is extended", "by", in.By, "ends_at", m.endsAt)
	m.show(ctx)
	answer := m.updateAnswer()
	change := m.extensionOf(m.leaseEnd(), fmt.Sprintf("extend/%d", len(m.extensions)))
	return answer, m.notifyWriter(open, change, &m.extensions[len(m.extensions)-1])
}

// extensionOf asks the writer to let a lease end at another time.
func (m *machine) extensionOf(end time.Time, step string) wire.ChangeRequest {
	lease := m.lease()
	lease.End = end
	change := m.changeOf(access.OpAcquire, lease)
	change.Key = lease.ID + "/" + step
	change.GrantProof = new(m.proofs[0].Summary())
	return change
}
