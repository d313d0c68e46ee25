package workflows

// An extension is approved like the grant itself: an activity records who asks for it and
// finds out who must approve it, people decide while the grant goes on, and the end moves once
// they have approved. A no, a deadline or the end of the grant leaves it as it was.

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/wire"
)

// extensionsAreApproved is the named version of extensions that need an approval. Each
// extension of a grant has one of its own, so that a grant that was extended at once before
// does not go on to be.
func extensionsAreApproved(number int) string {
	return fmt.Sprintf("extensions-are-approved/%d", number)
}

// openedExtension is an extension that people are asked about, and their approval.
type openedExtension struct {
	asked    access.ExtensionRequest
	entry    int64 // of the ledger
	approval approval.State
}

// extensionPending says that an extension waits for its approval.
func (m *machine) extensionPending() bool {
	return m.extension != nil && m.extension.approval.Verdict == "" && m.at == active
}

func (m *machine) pendingExtensionText() string {
	if !m.extensionPending() {
		return "cannot extend: another extension is being recorded: try again"
	}
	x := m.extension.asked
	return fmt.Sprintf("cannot extend: an extension until %s, for which %s has asked, is pending %s: "+
		"wait for it, or deny it", at(x.EndsAt), x.By, m.extension.approval.Pending())
}

// extend asks for the approval of a later end, and answers at once. Where nobody has to
// approve it, the end has moved by then.
func (m *machine) extend(ctx workflow.Context, in wire.ExtendInput) (wire.RequestAnswer, error) {
	m.asked++
	if !since(ctx, extensionsAreApproved(m.asked)) {
		return m.extendAtOnce(ctx, in)
	}
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	if err := m.mayExtend(ctx, in); err != nil {
		return wire.RequestAnswer{}, err
	}
	if m.asking || m.extensionPending() { // two may pass the validator in one task
		return wire.RequestAnswer{}, refused(m.pendingExtensionText())
	}
	recorded, err := m.recordExtension(open, in)
	if err != nil {
		return wire.RequestAnswer{}, err
	}
	asked := recorded.Extension
	if err := m.mayUpdate(onExtend, in.By, workflow.Now(ctx)); err != nil { // the end may have come meanwhile
		return wire.RequestAnswer{}, err
	}
	x := &openedExtension{
		asked: asked, entry: recorded.Entry, approval: approval.ForExtension(*m.plan, asked, workflow.Now(ctx)),
	}
	m.watching++
	if x.approval.Verdict == approval.Approved {
		defer func() { m.watching-- }()
		err := m.moveEnd(open, x)
		return m.updateAnswer(), err
	}
	m.extension = x
	m.log.Info("Extension is asked for", "by", asked.By, "ends_at", asked.EndsAt)
	m.show(ctx)
	m.announceEntry(ctx, wire.EventRequested, x.entry)
	watched, _ := workflow.NewDisconnectedContext(ctx)
	workflow.Go(watched, func(ctx workflow.Context) {
		m.watchExtension(ctx, x)
		m.watching--
	})
	answer := m.updateAnswer()
	answer.Pending, answer.Extension = true, asked.Hash
	return answer, nil
}

// recordExtension has an activity verify and record who asks for a later end, and find out
// who must approve it. It is given up when the grant ends.
func (m *machine) recordExtension(ctx workflow.Context, in wire.ExtendInput) (wire.ExtendResult, error) {
	end := m.endsAt.Add(time.Duration(in.Duration)).UTC()
	if !in.EndsAt.IsZero() && !in.EndsAt.Equal(end) {
		return wire.ExtendResult{}, refused(fmt.Sprintf(
			"cannot extend: the end has moved to %s meanwhile: look at it again with `starter show`", at(m.endsAt)))
	}
	m.asking = true
	defer func() { m.asking = false }()
	asking, cancel := workflow.WithCancel(ctx)
	defer cancel()
	done := false
	workflow.Go(asking, func(ctx workflow.Context) {
		if workflow.Await(ctx, func() bool { return done || m.at != active }) == nil && !done {
			cancel()
		}
	})
	by := stopOf(ctx, string(onExtend), in.By, in.Comment, in.Signed)
	out, err := call[wire.ExtendResult](shortCall(asking, string(onExtend)),
		wire.ExtendActivity, wire.ExtendActivityInput{
			Request: m.info,
			Extension: access.ExtensionRequest{
				Request: m.info.ID, Run: m.info.Run, PlanHash: m.planHash(),
				At: by.At, By: by.By, Duration: in.Duration,
				From: m.endsAt, EndsAt: end, Comment: by.Comment, Signature: by.Signature, SignedAt: by.SignedAt,
			},
		})
	done = true
	if late := m.mayUpdate(onExtend, in.By, workflow.Now(ctx)); late != nil && m.at != active {
		return wire.ExtendResult{}, late
	}
	if err == nil && out.Refusal != "" {
		err = refused(out.Refusal)
	}
	return out, err
}

// watchExtension does what is due while nobody decides on an extension, and moves the end
// once it is approved.
func (m *machine) watchExtension(ctx workflow.Context, x *openedExtension) {
	over := func() bool { return x.approval.Verdict != "" || m.at != active }
	for !over() {
		due := x.approval.NextTimer(workflow.Now(ctx))
		early, err := awaitUntil(ctx, due, "time to decide on an extension", over)
		if err == nil && !early {
			err = m.onTimer(ctx, &x.approval, over, func(ctx workflow.Context, event string) {
				m.announceEntry(ctx, event, x.entry)
			})
		}
		if err != nil {
			return // nothing cancels this context
		}
	}
	if x.approval.Verdict == approval.Approved {
		if err := m.moveEnd(ctx, x); err != nil {
			m.log.Warn("Approved extension did not move the end", "ends_at", x.asked.EndsAt, "error", err)
		}
	}
	if m.at == active {
		m.show(ctx)
	}
}

// moveEnd moves the end as it was approved, and tells the writer, whose own watch over the
// lease must not end it before. One at a time, so that the writer learns the ends in their
// order. Where the writer refuses, the end is the old one.
func (m *machine) moveEnd(ctx workflow.Context, x *openedExtension) error {
	if err := m.ending.Lock(ctx); err != nil {
		return err
	}
	defer m.ending.Unlock()
	now := workflow.Now(ctx)
	if err := m.mayUpdate(onExtend, x.asked.By, now); err != nil { // the end may have come meanwhile
		return err
	}
	if !m.endsAt.Equal(x.asked.From) {
		return refused("cannot extend: the end has moved meanwhile to " + at(m.endsAt))
	}
	m.endsAt = x.asked.EndsAt
	m.extensions = append(m.extensions, access.Extension{
		At: now.UTC(), By: x.asked.By, Duration: x.asked.Duration, EndsAt: m.endsAt, Asked: &x.asked,
		Decisions: x.approval.Decisions,
	})
	m.log.Info("Grant is extended", "by", x.asked.By, "ends_at", m.endsAt)
	m.show(ctx)
	n := len(m.extensions)
	change := m.extensionOf(m.leaseEnd(), fmt.Sprintf("extend/%d", n))
	err := m.notifyWriter(ctx, change, &m.extensions[n-1])
	if err != nil && m.endsAt.Equal(x.asked.EndsAt) {
		m.endsAt, m.extensions = x.asked.From, slices.Clone(m.extensions[:n-1])
		m.show(ctx)
	}
	return err
}

// nextDeadline is when the first thing is due that access in force waits for.
func (m *machine) nextDeadline() time.Time {
	end := m.leaseEnd()
	if !m.extensionPending() {
		return end
	}
	if d := m.extension.approval.Deadline; end.IsZero() || d.Before(end) {
		return d
	}
	return end
}
