package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// restorePause is the time from a write that restores to the next read: as before any other read that confirms.
const restorePause = 5 * time.Second

var (
	errRestored = kinds.RetryIn(kinds.New(kinds.Unavailable, errors.New("a write that was cut off has arrived late, "+
		"after the access had ended: what it replaced is restored: reading once more")), restorePause)
	errChangedMeanwhile = kinds.RetryIn(kinds.New(kinds.Unavailable, errors.New(
		"the console does not show any more what it showed a moment ago: reading once more")), restorePause)
)

// restore finds out whether the access that a change has ended is there again since a write that was cut off has
// arrived after the proof. That is no edit by hand, and nothing else would remove it: what the write replaced is
// restored, and the read is made once more. While the console may still show what was before the change, nothing is
// concluded from what it shows.
func (w *changeAttempt) restore(ctx context.Context, p *Principal, ended access.Proof, seen access.Read) error {
	if removesPrincipal(ended) || seen.Gone {
		return nil
	}
	if w.known.IsStaleRead(seen.Holdings, w.now(), visibilityDelay) {
		if slices.ContainsFunc(w.removed(ended), seen.Holdings.Holds) {
			return errStaleRead
		}
		return nil
	}
	known := w.known
	if err := w.noticeLate(ctx, seen); err != nil || !w.late {
		return err
	}
	w.known = known // what cannot be restored is told as drift
	r := p.attempt(wire.WriteInput{Writer: w.in.Writer, Change: wire.ChangeRequest{
		Key: w.key, Request: w.request,
		Change: access.Change{Op: ended.Op, Lease: access.Lease{ID: w.record.Run.String()}},
	}})
	r.since, r.restores = attempt.RuntimeOf(ctx).Since, true
	unlock, err := r.lockPrincipal(ctx, *r.principal)
	if err != nil {
		return err
	}
	defer unlock()
	err = r.restoreLocked(ctx)
	if err != nil {
		r.noteAnswer(ctx)
		w.pending = append(w.pending, r.pending...) // retryLater of w tries once more
	}
	return err
}

// restoreLocked restores what is known of the principal while no other attempt changes it. Without an error, nothing
// is restored: the reason is in the log. A console that refuses is asked again until the late write counts as an edit
// by hand: see [lateWindow].
func (w *changeAttempt) restoreLocked(ctx context.Context) error {
	v, err := w.loadRecord(ctx)
	if err != nil || !v.Covered() {
		return w.notRestored(ctx, v, err)
	}
	if err := w.loadOwnership(ctx); err != nil {
		return err
	}
	if w.writes, err = w.writesOf(ctx, w.entries, w.key); err != nil {
		return err
	}
	actual, err := w.read(ctx)
	if err != nil {
		return err
	}
	if err := w.noticeLate(ctx, actual); err != nil {
		return err
	}
	if !w.late {
		return errChangedMeanwhile
	}
	if err := w.checkStale(actual); err != nil { // what an attempt before has restored may not be shown yet
		return err
	}
	if err := w.adoptUnproven(ctx, actual); err != nil {
		return err
	}
	if w.known, err = w.withoutOver(ctx, w.known, actual); err != nil {
		return err
	}
	step := w.known.Restore(actual.Holdings)
	if !step.Writes() || len(step.After.Held) == 0 {
		attempt.Logger(ctx).Warn("What a late write has replaced is not restored: nothing would be left to write",
			"request", w.request)
		return nil
	}
	v, err = w.judge.Write(ctx, w.record, authority.Change{
		Principal: w.whose(), Op: w.op, Known: w.known, Step: step, Now: w.now().UTC(),
	})
	if err != nil || !v.Covered() {
		return w.notRestored(ctx, v, err)
	}
	said, err := w.recordAndSend(ctx, step, actual)
	if err != nil {
		return err
	}
	back, err := w.read(ctx)
	switch {
	case err != nil && said != nil:
		return fmt.Errorf("%w (after %v)", err, said) //nolint:errorlint // the read decides
	case err != nil:
		return err
	case w.landed(step, back):
		return errRestored
	case said != nil:
		return said
	}
	return errNotShown
}

// notRestored says in the log why the write that would restore is not covered.
func (w *changeAttempt) notRestored(ctx context.Context, v authority.Verdict, err error) error {
	if err != nil {
		return kinds.New(kinds.Unavailable, err)
	}
	attempt.Logger(ctx).Warn("What a late write has replaced is not restored", "request", w.request,
		"reason", v.Reason, "text", v.Text)
	return nil
}

// removed lists the roles that a change of the request has removed.
func (w *changeAttempt) removed(ended access.Proof) []access.Holding {
	plan := w.record.Plan.Plan
	return access.Change{Lease: access.Lease{Holding: plan.Holding()}}.WithScopes(plan).Absent(ended.Scopes)
}

// removesPrincipal says that a change has deleted the principal, not only a role.
func removesPrincipal(ended access.Proof) bool {
	return ended.Op == access.OpDelete || ended.Outcome == access.Deleted
}
