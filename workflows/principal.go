package workflows

// Principal is the one writer of a principal's roles: every change to them goes
// through it, one at a time, so that no two of ours ever undo each other. Requests
// start it with their first change (update-with-start). It keeps the leases and the
// baseline (see internal/access) across continue-as-new, and ends when nothing is
// leased and no change is pending. Changes that end access go first, and preempt a
// change that gives access. A lease that its grant does not release in time is released
// without it. Cancelling it does nothing. Pinned; it moves to a new build of the worker when
// it continues as new (principal_upgrade.go).

import (
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/wire"
)

// Principal is the workflow of type [wire.PrincipalType].
func Principal(ctx workflow.Context, in wire.PrincipalInput) error {
	open, stop := workflow.NewDisconnectedContext(ctx)
	defer stop()
	p := &principalRun{
		log: workflow.GetLogger(ctx), who: in.WriterStart, ownership: in.Ownership, holders: in.Holders,
		asked: len(in.Holders) > 0, asksOnce: since(ctx, writersAskOnce),
	}
	if err := p.handle(ctx); err != nil {
		return err
	}
	return p.run(open)
}

// principalRun is the state of one run.
type principalRun struct {
	log log.Logger
	who wire.WriterStart
	// ownership has the leases; all else that is known of the principal is in the ledger. Where an
	// activity of a version up to 0.5.0 has said more, it is there too.
	ownership access.OwnershipState
	holders   []wire.LeaseHolder
	asked     bool // a change has come, in this run or before
	queue     writeQueue
	// withdrawn are leases that were released before they were acquired.
	withdrawn []string
	// preempted are changes that were preempted and are queued again.
	preempted []wire.ChangeRequest
	asksOnce  bool          // see writersAskOnce
	upgrades  bool          // see writersUpgrade
	grace     time.Duration // see graceOf
}

// run lives as long as there is something to do. Without a dated lease it waits
// without a deadline, but for looking after a new build: it is started with a change, and each
// change ends.
func (p *principalRun) run(ctx workflow.Context) error {
	p.upgrades, p.grace = p.since(ctx, writersUpgrade), p.graceOf(ctx)
	looked := workflow.Now(ctx)
	for {
		due := p.overdueAt()
		until, summary := p.wakeAt(due, looked)
		awake := func() bool { return p.idle(ctx) || p.full(ctx) || p.plansAnew(due, until, looked) }
		timely, err := awaitUntil(ctx, until, summary, awake)
		switch {
		case err != nil:
			return err
		case !timely && !until.Equal(due): // awake looks after a new build, and there is none
			looked = workflow.Now(ctx)
		case !timely:
			if err := p.releaseOverdue(ctx, due); err != nil {
				return err
			}
		case p.idle(ctx):
			return nil
		case p.full(ctx):
			return p.continueAsNew(ctx)
		}
	}
}

// since says that this run has a change of that name.
func (p *principalRun) since(ctx workflow.Context, change string) bool {
	return p.asksOnce || since(ctx, change)
}

// idle says that nothing is leased and no change is pending.
func (p *principalRun) idle(ctx workflow.Context) bool {
	return p.asked && len(p.ownership.Leases) == 0 && p.idleNow(ctx)
}

// full says that the history is long enough, or that another build takes over, and that no
// change is under way: the run continues as new.
func (p *principalRun) full(ctx workflow.Context) bool {
	return (workflow.GetInfo(ctx).GetContinueAsNewSuggested() || p.outdated(ctx)) && p.idleNow(ctx)
}

func (p *principalRun) idleNow(ctx workflow.Context) bool {
	return p.queue.free() && workflow.AllHandlersFinished(ctx)
}

// graceOf is how long after its end a lease waits for its grant to release it: grants
// are there within seconds unless someone has terminated them. From then on the access is
// overdue, and the worker releases it too.
func (p *principalRun) graceOf(ctx workflow.Context) time.Duration {
	if p.since(ctx, overdueAfterAMinute) {
		return time.Minute
	}
	return 15 * time.Minute
}

// overdueAt is when the first lease is released without its grant; zero for never.
func (p *principalRun) overdueAt() time.Time {
	var first time.Time
	for _, l := range p.ownership.Leases {
		if at := l.End.Add(p.grace); !l.End.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// releaseOverdue releases leases that their grants have not released in time.
func (p *principalRun) releaseOverdue(ctx workflow.Context, due time.Time) error {
	var done []string
	for _, l := range slices.Clone(p.ownership.Leases) {
		if l.End.IsZero() || l.End.Add(p.grace).After(due) || slices.Contains(done, l.First()) {
			continue
		}
		done = append(done, l.First())
		p.log.Warn("Lease is released without its grant", "lease", l.ID, "end", l.End)
		holder := p.holderOf(l.First())
		_, err := p.change(ctx, wire.ChangeRequest{
			Key: access.ChangeKey(l.First(), access.OpRelease), Request: holder.Request,
			Change: access.Change{Op: access.OpRelease, Rules: holder.Rules}.WithLeases(p.leasesWith(l)),
		})
		if err != nil { // a release has no final errors: they are retried
			p.log.Error("Overdue lease was not released", "lease", l.ID, "error", err)
			return workflow.Sleep(ctx, retryPause)
		}
	}
	return nil
}

// leasesWith lists the leases of the request that a lease is of: they end together. The one whose
// id names the change comes first, also where the writer does not know it: at its scope a hand
// edit may have left nothing to adopt.
func (p *principalRun) leasesWith(l access.Lease) []access.Lease {
	first := l
	first.ID = l.First()
	out := []access.Lease{first}
	for _, x := range p.ownership.Leases {
		switch {
		case x.ID == first.ID:
			out[0] = x
		case x.First() == first.ID:
			out = append(out, x)
		}
	}
	return out
}

func (p *principalRun) holderOf(lease string) wire.LeaseHolder {
	if i := slices.IndexFunc(p.holders, func(h wire.LeaseHolder) bool { return h.Lease == lease }); i >= 0 {
		return p.holders[i]
	}
	request := lease // whose id is the workflow id of its request, "#" and a run id
	if at := strings.LastIndexByte(lease, '#'); at > 0 {
		request = lease[:at]
	}
	return wire.LeaseHolder{Lease: lease, Request: request}
}

// handle installs the query and the update.
func (p *principalRun) handle(ctx workflow.Context) error {
	return errors.Join(
		workflow.SetQueryHandler(ctx, wire.StatusQuery, p.status),
		workflow.SetUpdateHandlerWithOptions(ctx, wire.ChangeUpdate, p.onChange, workflow.UpdateHandlerOptions{
			Validator: p.mayChange, Description: "change the principal's roles; for grants and revokes only",
		}),
	)
}

func (p *principalRun) status() (wire.PrincipalStatus, error) {
	return wire.PrincipalStatus{
		WriterStart: p.who, Busy: !p.queue.free(), Waiting: len(p.queue.waiting),
		Leases: append([]access.Lease{}, p.ownership.Leases...), Holders: summedUp(p.holders),
	}, nil
}

// summedUp are the holders without the evidence of how they came to hold, which is in the ledger: a
// principal has many of them at once.
func summedUp(all []wire.LeaseHolder) []wire.LeaseHolder {
	out := append([]wire.LeaseHolder{}, all...)
	for i := range out {
		out[i].Answer.Proof = out[i].Answer.Proof.Summary()
	}
	return out
}
