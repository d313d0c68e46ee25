package workflows

import (
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/wire"
)

// mayChange refuses changes while the run is about to continue as new; their requests
// retry.
func (p *principalRun) mayChange(ctx workflow.Context, in wire.ChangeRequest) error {
	if err := in.Limits(); err != nil {
		return refused(err.Error())
	}
	if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		return errNextRun()
	}
	return nil
}

// errNextRun has a request retry, and find the next run of the writer.
func errNextRun() error {
	return temporal.NewApplicationError("the writer continues in a new run: retry", string(kinds.Unavailable))
}

// onChange answers when the change is proven.
func (p *principalRun) onChange(
	ctx workflow.Context, in wire.ChangeRequest,
) (wire.ChangeAnswer, error) {
	p.asked = true
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	began, waiter := workflow.Now(ctx), in.Waiter
	in.Waiter = nil
	answer, err := p.change(open, in)
	p.wake(open, waiter, began)
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return answer, app // outermost, so that its type reaches the request
	}
	return answer, err
}

// change carries a change out, however often it is preempted.
func (p *principalRun) change(
	ctx workflow.Context, in wire.ChangeRequest,
) (wire.ChangeAnswer, error) {
	if in.Change.Op == access.OpAcquire {
		if i := slices.IndexFunc(p.holders, func(h wire.LeaseHolder) bool { return h.Lease == lease(in) }); i >= 0 {
			return p.extend(i, in), nil
		}
	}
	for {
		answer, stopped, err := p.write(ctx, in)
		switch {
		case stopped:
			continue
		case err != nil || givesAccess(in.Change.Op):
			return answer, err
		}
		return p.confirm(ctx, in, answer)
	}
}

// extend answers a lease that is held already: its end may have moved.
func (p *principalRun) extend(holder int, in wire.ChangeRequest) wire.ChangeAnswer {
	for i := range p.ownership.Leases {
		if end := in.Change.Lease.End; in.Change.Names(p.ownership.Leases[i].ID) && !end.IsZero() {
			p.ownership.Leases[i].End = end
		}
	}
	return p.holders[holder].Answer
}

// givesAccess says whether the change gives access, which gives way to what ends it.
func givesAccess(op access.Op) bool { return op == access.OpGrant || op == access.OpAcquire }

func notApplied(in wire.ChangeRequest) access.Proof {
	return access.Proof{Op: in.Change.Op, Key: in.Key, Outcome: access.NotApplied, Reads: []access.Read{}}
}

// write runs the activity in its turn and keeps what it learned. It was stopped if it
// ended without an answer, or with one that is not final, after something urgent came.
func (p *principalRun) write(
	ctx workflow.Context, in wire.ChangeRequest,
) (answer wire.ChangeAnswer, stopped bool, err error) {
	var out wire.WriteResult
	err = p.queue.run(ctx, !givesAccess(in.Change.Op), func(ctx workflow.Context) (err error) {
		if givesAccess(in.Change.Op) && slices.Contains(p.withdrawn, lease(in)) { // it may have come meanwhile
			out.Proof = notApplied(in)
			return nil
		}
		out, err = call[wire.WriteResult](
			consoleWrite(ctx, string(in.Change.Op)+" for "+in.Request, !givesAccess(in.Change.Op)), wire.WriteActivity,
			wire.WriteInput{Writer: p.who, Change: in, Preempted: p.preempted})
		stopped = ctx.Err() != nil && err != nil && !final(err)
		p.notePreempted(in, stopped)
		if err == nil {
			p.adopt(in, out)
			for _, l := range in.Change.Leases() {
				p.setEnd(l.ID, workflow.Now(ctx))
			}
		}
		return err
	})
	return answerOf(out), stopped, err
}

func answerOf(out wire.WriteResult) wire.ChangeAnswer {
	return wire.ChangeAnswer{Proof: out.Proof, Message: out.Message, EndsAt: out.EndsAt}
}

// final says that the activity will not be tried again because of what it found.
func final(err error) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.NonRetryable()
}

// notePreempted keeps which changes have been stopped. What has come to an end is none of them,
// nor what was released.
func (p *principalRun) notePreempted(in wire.ChangeRequest, stopped bool) {
	p.preempted = slices.DeleteFunc(slices.Clone(p.preempted), func(s wire.ChangeRequest) bool {
		return s.Key == in.Key || in.Change.Op == access.OpRelease && lease(s) == lease(in)
	})
	if stopped {
		p.preempted = append(p.preempted, in)
	}
}

// adopt takes over what is known after a change, and who holds which lease.
func (p *principalRun) adopt(in wire.ChangeRequest, out wire.WriteResult) {
	if out.Recalled {
		if in.Change.Op == access.OpAcquire && out.Proof.Granted() {
			p.ownership = p.ownership.AdoptLeases(in.Change, out.Next.Baseline)
		}
	} else {
		p.ownership = p.withEnds(out.Next)
	}
	switch in.Change.Op {
	case access.OpAcquire:
		if p.leased(in) {
			p.holders = append(p.holders, wire.LeaseHolder{
				Lease: lease(in), Request: in.Request,
				Answer: answerOf(out), Rules: in.Change.Rules,
			})
		}
	case access.OpRelease:
		p.ownership.Leases = slices.DeleteFunc(slices.Clone(p.ownership.Leases), func(l access.Lease) bool {
			return in.Change.Names(l.ID) // also where it was released by a writer that is gone
		})
		p.withdrawn = append(p.withdrawn, lease(in))
		p.dropHolder(lease(in))
	case access.OpGrant:
		p.becomePermanent(in, out)
	case access.OpRevoke, access.OpReset, access.OpDelete, access.OpCreate, access.OpRotate: // hold nothing
	}
}

// withEnds is what was learned, with the ends of leases as they are now: one may have been
// extended since the activity was asked.
func (p *principalRun) withEnds(next access.OwnershipState) access.OwnershipState {
	next.Leases = slices.Clone(next.Leases)
	for i, l := range next.Leases {
		if known, ok := p.ownership.Lease(l.ID); ok {
			next.Leases[i].End = known.End
		}
	}
	return next
}

func lease(in wire.ChangeRequest) string { return in.Change.Lease.ID }

// leased says whether a lease of the change is held, at any of its scopes.
func (p *principalRun) leased(in wire.ChangeRequest) bool {
	return slices.ContainsFunc(p.ownership.Leases, func(l access.Lease) bool { return in.Change.Names(l.ID) })
}

// setEnd fixes the end of a lease that lasts so long from its acquisition.
func (p *principalRun) setEnd(lease string, now time.Time) {
	for i, l := range p.ownership.Leases {
		if l.ID == lease && l.End.IsZero() && l.For > 0 {
			p.ownership.Leases[i].End = now.Add(time.Duration(l.For)).UTC()
		}
	}
}

const (
	// confirmPause is the time between the two reads that prove an absence.
	confirmPause = 5 * time.Second
	// confirmSlower is how often the pause doubles, to five minutes, while a principal that
	// was deleted is shown again.
	confirmSlower = 6
	// maxReads is how many reads an answer has at most, besides the last one: a principal that was
	// deleted may be shown for days.
	maxReads = 25
)

// confirm reads the absence a second time, after a pause. A role that is there again
// is either an old answer, which later reads correct, or was given again by hand.
func (p *principalRun) confirm(
	ctx workflow.Context, in wire.ChangeRequest, answer wire.ChangeAnswer,
) (wire.ChangeAnswer, error) {
	proof := &answer.Proof
	if proof.Confirmed || !proof.Outcome.ClaimsAbsence() {
		return answer, nil
	}
	whole := removesPrincipal(in, proof.Outcome)
	for shown := 0; ; {
		pause := confirmPause << min(max(shown-access.MaxReappearances, 0), confirmSlower)
		if err := workflow.Sleep(ctx, pause); err != nil {
			return answer, err
		}
		seen, ours, err := p.readAgain(ctx, in, whole, proof.Scopes)
		if err != nil {
			return answer, err
		}
		if len(proof.Reads) > maxReads { // the ledger has as many
			proof.Reads = proof.Reads[:maxReads]
		}
		proof.Reads = append(proof.Reads, seen.Read)
		if !stillShown(in, whole, proof.Scopes, seen) {
			proof.Confirmed = true
			return answer, nil
		}
		shown++
		switch {
		case whole: // ids are not used again, so the answer is stale
			p.log.Warn("Principal was gone and is shown again", "request", in.Request, "reads", shown)
			if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && p.since(ctx, confirmationsMakeRoom) {
				return answer, errNextRun() // which finds the proof in the ledger, and reads on
			}
		case ours:
			proof.Outcome = access.StillHeld
			return answer, nil
		case shown == access.MaxReappearances:
			proof.Outcome = access.Superseded
			proof.Drift = append(proof.Drift, seen.Drift...)
			return answer, nil
		}
	}
}

// removesPrincipal reports whether the change deletes the principal, not only a role.
func removesPrincipal(in wire.ChangeRequest, o access.Outcome) bool {
	return in.Change.Op == access.OpDelete || o == access.Deleted
}

// stillShown reports whether a read shows what the change removes.
func stillShown(in wire.ChangeRequest, whole bool, outcomes []access.ScopeOutcome, seen wire.ConfirmResult) bool {
	switch {
	case seen.Judged:
		return seen.Shown
	case whole:
		return !seen.Read.Gone
	}
	return slices.ContainsFunc(in.Change.Absent(outcomes), seen.Read.Holdings.Holds)
}

// readAgain reads the principal in its turn. ours says that a change of ours since has
// given the role again.
func (p *principalRun) readAgain(
	ctx workflow.Context, in wire.ChangeRequest, whole bool, outcomes []access.ScopeOutcome,
) (seen wire.ConfirmResult, ours bool, err error) {
	err = p.queue.run(ctx, true, func(ctx workflow.Context) (err error) {
		removed := append([]access.Holding{}, in.Change.Absent(outcomes)...)
		ours = slices.ContainsFunc(removed, p.ownership.Desired().Holds)
		ctx = consoleWrite(ctx, "read again for "+in.Request, true)
		seen, err = call[wire.ConfirmResult](ctx, wire.ConfirmActivity,
			wire.ConfirmInput{Writer: p.who, Request: in.Request, Key: in.Key, Absent: removed, Whole: whole})
		if seen.Judged {
			ours = seen.Ours
		}
		return err
	})
	return seen, ours, err
}
