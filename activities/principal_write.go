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
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// visibilityDelay is how long a console that has accepted a write may go on showing what
// was there before, until the write counts as lost.
const visibilityDelay = 30 * time.Second

// Write carries out one change of one principal and proves it: it reads what the
// principal holds, plans, writes the whole list and reads it back. The outcome of a
// write is never believed but read: before each one the ledger learns what is about
// to be sent, so an attempt that finds it there looks whether it arrived.
//
// It must not run twice at once for one principal, which the workflow makes sure of.
// Done before, under the same key, it gives the first answer again.
//
// A change that removes access never fails permanently: every answer of the console is
// waited out. Any other fails as the console's calls do, once it is sure that nothing
// of it is left behind.
func (p *Principal) Write(ctx context.Context, in wire.WriteInput) (wire.WriteResult, error) {
	defer attempt.KeepAlive(ctx)()
	out, err := p.write(ctx, in, nil)
	if err == nil {
		attempt.Logger(ctx).Info("Change is settled", "op", string(in.Change.Change.Op),
			"outcome", string(out.Proof.Outcome))
	}
	return out, err
}

// write is [Principal.Write], also outside of Temporal: see [attempt.Outside]. overdue is recorded with the
// first entry of a release that the system makes by itself; nil for a change that its request makes.
func (p *Principal) write(
	ctx context.Context, in wire.WriteInput, overdue *ledger.Overdue,
) (wire.WriteResult, error) {
	if endsAccess(in.Change.Change.Op) {
		ctx = console.Urgent(ctx)
	}
	w := p.attempt(in)
	w.since = attempt.RuntimeOf(ctx).Since
	w.overdue = overdue
	out, err := w.run(ctx)
	if errors.Is(err, errNotOverdue) {
		return wire.WriteResult{}, err
	}
	if err != nil {
		return wire.WriteResult{}, w.retryLater(ctx, err)
	}
	for _, s := range in.Preempted {
		if s.Change.Lease.ID == in.Change.Change.Lease.ID { // it will not be tried again
			err = errors.Join(err, w.clearWait(ctx, s.Request, s.Change.Op))
		}
	}
	return out, errors.Join(err, w.clearWait(ctx, w.request, w.op))
}

// endsAccess says whether the change ends access.
func endsAccess(op access.Op) bool {
	return op != access.OpGrant && op != access.OpAcquire && op != access.OpCreate && op != access.OpRotate &&
		op != store.StepPlan
}

// changeAttempt is one attempt at a change.
type changeAttempt struct {
	consoleWork

	people *principalBatcher // reads back what was written
	in     wire.WriteInput
	since  time.Time             // when the change became due
	known  access.OwnershipState // of the principal, with all lists of roles
	from   string                // digest of the ownership state the change begins with
	last   access.Principal      // as last read
	reads  []access.Read         // all of this attempt
	writes []sentWrite           // by this attempt and earlier ones, oldest first
	late   bool                  // see noticeLate
	// restores says that the attempt writes what is known of the principal, after a late write: see restore.
	restores bool

	overdue *ledger.Overdue // recorded once it is found that the release is not done yet; nil for none

	judge    authority.Judge
	record   authority.Record // of the change's request, as the ledger has it
	entries  []ledger.Entry   // of the request
	endsAt   time.Time        // of the access that the change begins; zero for never
	provenAt int64            // number of the principal's last proof in the ledger
	// sendAt is the time that the next write has in the ledger, that of the read before it: access that it begins, or
	// that the read has found, lasts from then on. Zero: the present.
	sendAt time.Time
}

func (p *Principal) attempt(in wire.WriteInput) *changeAttempt {
	return &changeAttempt{in: in, judge: p.authority.judge(), people: p.people, consoleWork: consoleWork{
		console: p.console, store: p.store, notify: p.notify, now: p.now,
		principal:   &ledger.Subject{Kind: in.Writer.Kind, ID: in.Writer.ID},
		consoleName: in.Writer.Console, request: in.Change.Request, key: in.Change.Key, op: in.Change.Change.Op,
	}}
}

// run is the attempt, from the first look at the ledger to the proof.
func (w *changeAttempt) run(ctx context.Context) (wire.WriteResult, error) {
	if err := attempt.RequireConsole("change", w.in.Writer.Console, w.console.Console()); err != nil {
		return wire.WriteResult{}, err
	}
	if err := w.deferToReleases(ctx); err != nil {
		return wire.WriteResult{}, err
	}
	unlock, err := w.lockPrincipal(ctx, *w.principal)
	if err != nil {
		return wire.WriteResult{}, err
	}
	defer unlock()
	out, err := w.change(ctx)
	if err != nil {
		w.noteAnswer(ctx)
	}
	return out, err
}

// change is the attempt while no other one changes the principal.
func (w *changeAttempt) change(ctx context.Context) (wire.WriteResult, error) {
	v, err := w.loadRecord(ctx)
	switch {
	case err != nil:
		return wire.WriteResult{}, err
	case !v.Covered():
		return w.unauthorized(ctx, v, access.Read{})
	}
	if w.overdue != nil {
		if claim, _ := w.judge.Claim(ctx, w.record); !claim.Due.Equal(w.overdue.Due) {
			return wire.WriteResult{}, errNotOverdue
		}
	}
	if err := w.loadOwnership(ctx); err != nil {
		return wire.WriteResult{}, err
	}
	done, err := w.loadHistory(ctx)
	if err != nil || done != nil {
		return resultOf(done), err
	}
	if w.overdue != nil {
		w.pending = append(w.pending, w.entry(ledger.OverdueKey(w.key), *w.overdue))
	}
	actual, err := w.read(ctx)
	if err != nil {
		return wire.WriteResult{}, err
	}
	if err := w.noticeLate(ctx, actual); err != nil {
		return wire.WriteResult{}, err
	}
	if last := len(w.writes) - 1; last >= 0 && w.landed(w.writes[last].Step, actual) {
		after := w.ownershipAfter(w.in.Change.Change, w.writes[last])
		if !w.late || after.Desired().Equal(actual.Holdings) {
			return w.settle(ctx, w.writes[last], w.record.Writes[w.key][last].At, actual)
		}
	}
	if err := w.checkStale(actual); err != nil {
		return wire.WriteResult{}, err
	}
	if w.planOutdated(actual) {
		return w.planChangedResult(actual, nil), nil
	}
	w.sendAt = actual.At
	if err := w.beganAt(ctx, w.sendAt); err != nil {
		return wire.WriteResult{}, err
	}
	step, err := w.plan(ctx, actual)
	if err != nil {
		return wire.WriteResult{}, err
	}
	if more := w.beyondApproval(step); len(more) > 0 {
		return w.exceeds(ctx, more, actual)
	}
	return w.carryOut(ctx, step, actual)
}

// exceeds answers a change that would do more than what was approved.
func (w *changeAttempt) exceeds(ctx context.Context, more []string, actual access.Read) (wire.WriteResult, error) {
	switch {
	case slices.ContainsFunc(w.writes, w.mayArrive):
		return wire.WriteResult{}, errMayStillArrive
	case endsAccess(w.in.Change.Change.Op): // whose requests are not asked anew
		return w.unauthorized(ctx, authority.Exceeds(more), actual)
	}
	return w.planChangedResult(actual, more), nil
}

// carryOut sends a step if it is authorized and there is anything to send.
func (w *changeAttempt) carryOut(ctx context.Context, step access.Step, actual access.Read) (wire.WriteResult, error) {
	switch {
	case step.Refused() && w.in.Change.Change.Op == access.OpRelease:
		return wire.WriteResult{}, kinds.New(kinds.Refused, errors.New(ruleRefusal(step, step.Before.Level)))
	case step.Refused():
		return w.conclude(ctx, step, actual)
	}
	done, err := w.authorize(ctx, step, actual)
	switch {
	case err != nil || done != nil:
		return resultOf(done), err
	case !step.Writes() || actual.Gone: // authorized all the same: what is there may become permanent by it
		return w.conclude(ctx, step, actual)
	}
	return w.writeAndVerify(ctx, step, actual)
}

// writeAndVerify writes and reads back.
func (w *changeAttempt) writeAndVerify(
	ctx context.Context,
	step access.Step,
	actual access.Read,
) (wire.WriteResult, error) {
	said, err := w.recordAndSend(ctx, step, actual)
	if err != nil {
		return wire.WriteResult{}, err
	}
	back, err := w.readBack(ctx)
	switch {
	case err != nil && said != nil:
		return wire.WriteResult{}, fmt.Errorf("%w (after %v)", err, said) //nolint:errorlint // the read decides
	case err != nil:
		return wire.WriteResult{}, err
	case w.landed(step, back):
		return w.conclude(ctx, step, back)
	case isBadRequest(said) && endsAccess(w.in.Change.Change.Op):
		return w.writeWithoutDeletedRoles(ctx, step, back, said)
	case said != nil:
		return wire.WriteResult{}, w.retryConflict(said)
	}
	return wire.WriteResult{}, errNotShown
}

var (
	errNotShown = kinds.New(kinds.Unavailable, errors.New(
		"the console accepted the change but does not show it yet: retrying until it does"))
	errMayStillArrive = kinds.New(kinds.Unavailable, errors.New(
		"a cancelled change may still reach the console: retrying until its outcome is known"))
	errStaleRead = kinds.New(kinds.Unavailable, errors.New(
		"the console still shows the roles from before our last change: retrying until it shows that change"))
)

// landed says whether the console shows what a step was to make of it.
func (w *changeAttempt) landed(step access.Step, actual access.Read) bool {
	if step.Delete || actual.Gone {
		return step.Delete && actual.Gone
	}
	return step.Landed(actual.Holdings)
}

// checkStale says why it cannot be told yet what the console holds: it may still show
// what was there before a write that it has accepted. A write without an answer is
// simply sent again, since it is the same list.
func (w *changeAttempt) checkStale(actual access.Read) error {
	if w.known.IsStaleRead(actual.Holdings, w.now(), visibilityDelay) {
		return errStaleRead
	}
	for _, s := range w.writes {
		if s.accepted() && actual.Holdings.Equal(s.Write.Before) && w.now().Sub(s.sentBy()) < visibilityDelay {
			return errNotShown
		}
	}
	return nil
}

// plan works the change out on what the console shows now.
func (w *changeAttempt) plan(ctx context.Context, actual access.Read) (access.Step, error) {
	if err := w.adoptUnproven(ctx, actual); err != nil {
		return access.Step{}, err
	}
	known, err := w.ownership(ctx, actual)
	if err != nil {
		return access.Step{}, err
	}
	if known, err = w.withoutOver(ctx, known, actual); err != nil {
		return access.Step{}, err
	}
	w.known = known
	op := w.in.Change.Change.Op
	if actual.Gone && !endsAccess(op) {
		return access.Step{}, kinds.New(kinds.NotFound, fmt.Errorf(
			"%s %s is no longer on the console: cannot grant a role to it; check the principal's id",
			w.in.Writer.Kind,
			w.in.Writer.ID,
		))
	}
	step := known.Apply(w.in.Change.Change, actual.Holdings)
	if _, given := w.record.Given(); given {
		step = step.Replace(access.NotApplied, access.Superseded) // it was granted, and is not there any more
	}
	if actual.Gone {
		lease, _ := known.Lease(w.in.Change.Change.Lease.ID)
		step = step.WithOutcome(outcomeOfMissing(op, lease))
		step.Delete, step.After = false, step.Before
		step.Drift = append(step.Drift, "the console no longer knows the principal")
	}
	return step, nil
}

// outcomeOfMissing is what taking away from a principal comes to that is gone: by a request
// of ours, which took its leases over, or by hand.
func outcomeOfMissing(op access.Op, lease access.Lease) access.Outcome {
	switch {
	case op == access.OpRelease && lease.Lost:
		return access.Superseded
	case op == access.OpRelease:
		return access.Released
	}
	return access.AlreadyAbsent
}
