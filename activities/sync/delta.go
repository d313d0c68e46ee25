package sync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

const (
	// feedOverlap is how far behind the newest activity seen the feed is read again, since entries come late.
	feedOverlap = 10 * time.Minute
	// mostAhead is how far ahead of this clock the newest entry seen may be: more means that a clock was wrong.
	mostAhead = 24 * time.Hour
	// feedRetention is after how long without reading the feed entries may be gone from it. How long a console keeps
	// them is not documented.
	feedRetention = 7 * 24 * time.Hour
	// mostTouched is from how many principals on a full sync costs less than refetching them one by one.
	mostTouched = 200
	// mostNamed is how many names of principals without a known id are looked up, by two requests each.
	mostNamed = 100
	// mostFeedPages bounds what is read of the feed at once, in pages of 1,000 entries, and mostNews what is kept.
	mostFeedPages = 20
	mostNews      = 5000
	// oddFeedAttempts is after how many attempts a feed that cannot be decoded makes the delta sync a full one.
	oddFeedAttempts = 3
	// fullSyncTime is how long a full sync may have run for a delta sync to leave its work to it. One that began
	// earlier may have been terminated.
	fullSyncTime = time.Hour
	// mostHeld bounds the roles that one delta sync keeps in memory.
	mostHeld = 200_000
)

// needsFullError says why only a full sync can be sure.
type needsFullError struct{ why string }

func (e *needsFullError) Error() string { return e.why }

func needsFull(format string, args ...any) error {
	return &needsFullError{fmt.Sprintf(format, args...)}
}

// Delta reads the console's activity feed from where the last sync left off, refetches by id whom it names, and
// promotes what has changed. Where it cannot be sure that it sees every change, it changes nothing and says why a full
// sync is needed. A row that is gone is believed only after the console was asked for it by id.
//
// Fails as the console's calls do where they may succeed later; a console that refuses the feed needs a full sync.
func (s *Activities) Delta(ctx context.Context, in wire.SyncDeltaInput) (wire.SyncDeltaResult, error) {
	defer attempt.KeepAlive(ctx)()
	out := wire.SyncDeltaResult{Console: s.console.Console()}
	if err := attempt.CheckConsole("sync", in.Console, out.Console); err != nil {
		return out, err
	}
	var requests atomic.Int64
	d := &deltaRun{
		s: s, in: in, touched: map[store.PrincipalRef]*touched{}, events: map[access.Collection]bool{},
		named: map[called][]store.PrincipalRef{},
	}
	settled, err := d.run(console.WithRequestCounter(ctx, &requests))
	settled.Requests, settled.At = int(requests.Load()), s.now().UTC()
	out.Settled = settled
	err = refusal(err)
	if full, ok := errors.AsType[*needsFullError](err); ok {
		attempt.Logger(ctx).Info("A full sync is needed instead of a delta", "snapshot", in.Snapshot, "why", full.why)
		out.Full = full.why
		return out, nil
	}
	if err != nil {
		return out, err
	}
	if settled.State == wire.StatePromoted {
		s.explain(ctx, &out.Settled)
	}
	out.Settled.LedgerHead, err = s.store.LedgerHead(ctx, s.console.Console())
	attempt.Logger(ctx).Info("Delta sync settled", "snapshot", in.Snapshot, "state", settled.State,
		"added", settled.Added, "removed", settled.Removed, "requests", settled.Requests,
		"database_seconds", s.store.Busy().Seconds())
	return out, err
}

// refusal makes an error status that repeating does not change a reason for a full sync, which reports it if it is in
// its way too. A refused token stays an error.
func refusal(err error) error {
	answer, ok := errors.AsType[*console.Error](err)
	if !ok || answer.Temporary() || answer.Status == 401 || answer.Status < 400 {
		return err
	}
	return needsFull("the console refused a part of the delta sync: %v", err)
}

// deltaRun is one attempt of a delta sync.
type deltaRun struct {
	s       *Activities
	in      wire.SyncDeltaInput
	feed    store.Feed
	started time.Time // by the worker's clock, before anything is read

	touched map[store.PrincipalRef]*touched
	unnamed []console.Activity              // entries about principals that have no id, or one that is no principal
	named   map[called][]store.PrincipalRef // whom names that were looked up mean
	events  map[access.Collection]bool
	news    feedNews
	counted access.Collection
	parts   map[access.Collection]store.DeltaPart
	held    int
}

// touched is a principal that the feed names, or that requests of ours have changed.
type touched struct {
	authors []string
	entries []console.Activity // that name it, in case the id is no principal
}

func (d *deltaRun) run(ctx context.Context) (wire.SyncSettleResult, error) {
	if _, err := d.s.store.ConsoleOf(ctx, d.in.Snapshot); err == nil {
		return d.repeated(ctx)
	} else if !errors.Is(err, store.ErrNoSnapshot) {
		return wire.SyncSettleResult{}, err
	}
	d.started = d.s.now()
	if err := d.begin(ctx); err != nil {
		return wire.SyncSettleResult{}, err
	}
	if d.coveredBy(d.feed) {
		return d.standBack(), nil
	}
	for _, step := range []func(context.Context) error{
		d.readFeed, d.addOwnWrites, d.limit, d.refetch, d.refetchLists,
	} {
		if err := step(ctx); err != nil {
			return wire.SyncSettleResult{}, err
		}
	}
	return d.apply(ctx)
}

// repeated answers for a run that has promoted its delta before, or has gone on as a full sync.
func (d *deltaRun) repeated(ctx context.Context) (wire.SyncSettleResult, error) {
	done, err := d.s.store.ApplyDelta(ctx, store.DeltaInput{Console: d.s.console.Console(), ID: d.in.Snapshot})
	if err != nil {
		return wire.SyncSettleResult{}, err
	}
	if done.State == "" {
		return wire.SyncSettleResult{}, needsFull("the sync has begun as a full one before")
	}
	return settledDelta(done), nil
}

// begin decides whether a delta can be sure at all.
func (d *deltaRun) begin(ctx context.Context) (err error) {
	host := d.s.console.Console()
	if d.feed, err = d.s.store.Feed(ctx, host, d.in.Snapshot); err != nil {
		return err
	}
	if !d.feed.Wanted {
		if err := d.s.store.WantFeed(ctx, host); err != nil {
			return err
		}
	}
	switch {
	case d.feed.Why != "":
		return needsFull("%s", d.feed.Why)
	case d.coveredBy(d.feed):
		return nil
	case d.feed.Unfinished:
		return needsFull("a full sync that began earlier has not ended")
	case d.feed.Age(d.started) > feedRetention:
		return needsFull("the activity feed was not read for more than 7 days")
	case d.feed.Watermark.Sub(d.started) > mostAhead:
		return needsFull("the newest activity that was seen, of %s, is ahead of this clock",
			describe.Minute(d.feed.Watermark))
	}
	for _, c := range access.Collections() {
		if _, proven := d.feed.Counts[c]; !proven {
			return needsFull("no sync of %s is complete", c)
		}
	}
	return nil
}

// coveredBy says that a full sync is under way, which reads everything that this delta sync would.
func (d *deltaRun) coveredBy(feed store.Feed) bool {
	return !feed.Running.IsZero() && d.started.Sub(feed.Running) < fullSyncTime
}

// standBack is the result of a delta sync that leaves its work to a full one. The next delta sync reads what it did
// not.
func (d *deltaRun) standBack() wire.SyncSettleResult {
	out := wire.SyncSettleResult{State: wire.StateUnchanged, Counts: map[string]int{}}
	for c, n := range d.feed.Counts {
		out.Counts[string(c)] = n
	}
	out.Warnings = []string{"a full sync is under way: it reads what this delta sync would have"}
	return out
}

// readFeed counts one collection of principals before it reads the feed, so that whoever the count includes has an
// activity by then.
func (d *deltaRun) readFeed(ctx context.Context) error {
	d.counted = access.Users
	if d.feed.Counted == access.Users {
		d.counted = access.ServiceUsers
	}
	total, err := d.s.console.Count(ctx, d.counted)
	if err != nil && !isMalformed(err) {
		return err
	}
	hasCount := err == nil
	d.news, err = d.s.readNews(ctx, d.feed)
	switch {
	case err != nil && isMalformed(err) && attempt.RuntimeOf(ctx).Number >= oddFeedAttempts:
		return needsFull("the activity feed cannot be decoded: %s", describe.Text(err.Error()))
	case err != nil:
		return err
	case len(d.news.entries) > mostNews:
		return needsFull("the activity feed has more than %d new activities", mostNews)
	case !d.news.whole:
		return needsFull("the activity feed has more than %d new pages", mostFeedPages)
	case d.news.needsFull != "":
		return needsFull("%s", d.news.needsFull)
	}
	if before := d.feed.Counts[d.counted]; hasCount && len(d.news.entries) == 0 && total != before {
		return needsFull("the console counts %d %s and the last sync saw %d, but the activity feed names nobody",
			total, d.counted, before)
	}
	for _, a := range d.news.entries {
		d.take(a)
	}
	return nil
}

// take notes whom an activity is about.
func (d *deltaRun) take(a console.Activity) {
	of := activityKinds[a.Type]
	switch {
	case of.PrincipalKind() == "":
		d.events[of] = true
	case a.UserID == "":
		d.unnamed = append(d.unnamed, a)
	default:
		d.touch(store.PrincipalRef{Kind: of.PrincipalKind(), ID: a.UserID}, a)
	}
}

func (d *deltaRun) touch(who store.PrincipalRef, a ...console.Activity) {
	t := d.touched[who]
	if t == nil {
		t = &touched{}
		d.touched[who] = t
	}
	for _, entry := range a {
		t.entries = append(t.entries, entry)
		t.authors = addAuthor(t.authors, entry.By)
	}
}

// addOwnWrites adds whom requests of ours have changed since the feed was read last: what we have written must be in
// each sync, also if the feed does not name it, or it would be taken for drift. Entries of the ledger are counted from
// the last one that the last sync could know, since one that was recorded late has an earlier time.
func (d *deltaRun) addOwnWrites(ctx context.Context) error {
	if d.s.claims == nil {
		return nil
	}
	if err := d.s.claims(ctx); err != nil {
		return err
	}
	written, err := d.s.store.PrincipalsWrittenSince(ctx, d.s.console.Console(),
		d.feed.ReadAt.Add(-2*time.Minute), d.feed.Entry, mostTouched+1)
	for _, who := range written {
		d.touch(who)
	}
	return err
}

func (d *deltaRun) limit(context.Context) error {
	if n := len(d.touched) + len(d.unnamed); n > mostTouched {
		return needsFull("more than %d principals have changed", mostTouched)
	}
	return nil
}

func (d *deltaRun) apply(ctx context.Context) (wire.SyncSettleResult, error) {
	authors := map[store.PrincipalRef][]string{}
	for who, t := range d.touched {
		authors[who] = t.authors
	}
	done, err := d.s.store.ApplyDelta(ctx, store.DeltaInput{
		Console: d.s.console.Console(), ID: d.in.Snapshot, WorkflowID: attempt.RuntimeOf(ctx).Workflow,
		StartedAt: d.started, Base: d.feed.Base, Parts: d.parts, Authors: authors, Allow: d.s.guard.reasons,
		Feed: store.FeedProgress{
			Watermark: d.news.newest, ReadAt: d.started, Seen: d.news.seen(), Counted: d.counted,
			Entry: d.feed.LastEntry,
		},
	})
	switch {
	case err != nil:
		return wire.SyncSettleResult{}, err
	case done.Overtaken:
		now, err := d.s.store.Feed(ctx, d.s.console.Console(), d.in.Snapshot)
		if err == nil && d.coveredBy(now) {
			return d.standBack(), nil
		}
		return wire.SyncSettleResult{}, needsFull("another sync of the console ran at the same time")
	case len(done.Reasons) > 0:
		return wire.SyncSettleResult{}, needsFull("a delta sync removes no such number of rows: %s", done.Reasons[0])
	}
	return settledDelta(done), nil
}

func settledDelta(done store.DeltaResult) wire.SyncSettleResult {
	return wire.SyncSettleResult{
		State: done.State, Counts: done.Counts, Added: done.Added, Removed: done.Removed,
	}
}
