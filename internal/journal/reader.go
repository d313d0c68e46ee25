package journal

import (
	"context"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

const (
	pageEntries = 500    // entries of the ledger that are read at once
	recentSyncs = 200    // syncs that are looked at for news
	knownPlans  = 10_000 // plans that are kept in memory
)

// Reader reads what happened on one console.
type Reader struct {
	// Store has ledger and snapshots.
	Store *store.Store
	// Console is the host of the console.
	Console string
	// Sync is the id of a snapshot or of a sync's workflow: only what belongs to it is read; "" for everything.
	Sync string
	// Now is the time of a sync's progress.
	Now func() time.Time

	names store.Directory
	plans map[string]*access.Plan // the latest of each request, by its workflow id; nil for none
	last  int64                   // number of the latest entry that was read
	told  map[string]bool         // keys of the lines about recent syncs that were read
	next  map[string]bool         // told, once all lines are read that are selected now
}

// Query selects lines.
type Query struct {
	Since *time.Time // only of then or later; nil for all
	Limit int        // the newest; 0 for all
}

// Read calls fn with each selected line, in the order of the ledger, and syncs between its entries by time. Limited
// says that there are older ones. [Reader.Next] continues behind them.
func (r *Reader) Read(ctx context.Context, q Query, fn func(Line) error) (limited bool, err error) {
	if r.names, err = r.Store.Directory(ctx, r.Console); err != nil {
		return false, err
	}
	syncs, err := r.syncs(ctx, q)
	if err != nil {
		return false, err
	}
	if q.Limit == 0 {
		return false, r.all(ctx, q, syncs, fn)
	}
	entries, err := r.page(ctx, q, q.Limit+1)
	if err != nil {
		return false, err
	}
	var lines []Line
	keep := func(l Line) error { lines = append(lines, l); return nil }
	if err := r.merge(ctx, entries, &syncs, keep); err != nil {
		return false, err
	}
	if err := r.finish(syncs, keep); err != nil {
		return false, err
	}
	over := max(0, len(lines)-q.Limit)
	for _, l := range lines[over:] {
		if err := fn(l); err != nil {
			return false, err
		}
	}
	return over > 0, nil
}

// all reads the ledger page by page, whatever its length.
func (r *Reader) all(ctx context.Context, q Query, syncs []syncLine, fn func(Line) error) error {
	for {
		entries, err := r.page(ctx, q, 0)
		if err != nil {
			return err
		}
		if err := r.merge(ctx, entries, &syncs, fn); err != nil {
			return err
		}
		if len(entries) == 0 {
			return r.finish(syncs, fn)
		}
	}
}

// finish tells the syncs that are left.
func (r *Reader) finish(syncs []syncLine, fn func(Line) error) error {
	for _, l := range syncs {
		if err := r.tell(l, fn); err != nil {
			return err
		}
	}
	r.told = r.next
	return nil
}

func (r *Reader) tell(l syncLine, fn func(Line) error) error {
	if err := fn(l.Line); err != nil {
		return err
	}
	if r.told == nil {
		r.told = map[string]bool{}
	}
	r.told[l.key] = true
	return nil
}

// Next calls fn with each line that came since the last call of Read or Next. Where it fails, also by an error of fn,
// the next call goes on from the line at which it failed.
func (r *Reader) Next(ctx context.Context, fn func(Line) error) error {
	syncs, err := r.syncs(ctx, Query{Limit: recentSyncs})
	if err != nil {
		return err
	}
	return r.all(ctx, Query{}, syncs, fn)
}

// page reads the next entries of the ledger, or with newest the newest ones.
func (r *Reader) page(ctx context.Context, q Query, newest int) ([]ledger.Entry, error) {
	query := store.LedgerPageQuery{
		Console: r.Console, After: r.last, Since: q.Since, Limit: pageEntries,
	}
	if newest > 0 {
		query.Limit, query.Newest = newest, true
	}
	if r.Sync == "" {
		return r.Store.LedgerPage(ctx, query)
	}
	syncs, err := r.Store.SyncLog(ctx, store.SyncLogQuery{Console: r.Console, ID: r.Sync, Limit: 1})
	if err != nil || len(syncs) == 0 || syncs[0].WorkflowID == "" {
		return nil, err
	}
	query.Request = syncs[0].WorkflowID
	return r.Store.LedgerPage(ctx, query)
}

// selects says whether an entry belongs to the selected sync: its workflow id may be that of several, one after the
// other, where Sync is the workflow's id.
func (r *Reader) selects(e ledger.Entry) bool {
	run := ledger.RunOf(e).ID
	return r.Sync == "" || r.Sync == e.Request || run == "" || r.Sync == run
}

// merge calls fn with a line for each entry, and before it with the syncs that are older, which it takes away.
func (r *Reader) merge(ctx context.Context, entries []ledger.Entry, syncs *[]syncLine, fn func(Line) error) error {
	for _, e := range entries {
		if !r.selects(e) {
			r.last = max(r.last, e.Seq)
			continue
		}
		plan, err := r.plan(ctx, e)
		if err != nil {
			return err
		}
		line := ofEntry(e, plan, r.names)
		for len(*syncs) > 0 && (*syncs)[0].At.Before(line.At) {
			if err := r.tell((*syncs)[0], fn); err != nil {
				return err
			}
			*syncs = (*syncs)[1:]
		}
		if err := fn(line); err != nil {
			return err
		}
		r.last = max(r.last, e.Seq)
	}
	return nil
}

// syncs are the lines about syncs that were not read yet, by time.
func (r *Reader) syncs(ctx context.Context, q Query) ([]syncLine, error) {
	query := store.SyncLogQuery{Console: r.Console, ID: r.Sync}
	if q.Limit > 0 {
		query.Limit = max(q.Limit, recentSyncs)
	}
	found, err := r.Store.SyncLog(ctx, query)
	if err != nil {
		return nil, err
	}
	told := map[string]bool{}
	var out []syncLine
	for i, s := range found {
		lines := ofSync(s)
		drains, err := r.drains(ctx, s, lines[len(lines)-1])
		if err != nil {
			return nil, err
		}
		for _, l := range slices.Concat(lines[:1], drains, lines[1:]) {
			if i >= len(found)-recentSyncs {
				told[l.key] = true
			}
			if !r.told[l.key] && (q.Since == nil || !l.At.Before(*q.Since)) {
				out = append(out, l)
			}
		}
	}
	r.next = told
	slices.SortStableFunc(out, func(a, b syncLine) int { return a.At.Compare(b.At) })
	return out, nil
}

// drains say how far the collections of a sync are whose latest line is last, where only some syncs are selected.
func (r *Reader) drains(ctx context.Context, s store.SyncRecord, last syncLine) ([]syncLine, error) {
	if r.Sync == "" || r.told[last.key] {
		return nil, nil
	}
	p, err := r.Store.Progress(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	at := last.At
	if s.State == store.StateDraining {
		at = r.Now().UTC()
	}
	return ofDrains(s, p, at, last.key), nil
}

// plan is the latest plan of the request of an entry; nil if it has none.
func (r *Reader) plan(ctx context.Context, e ledger.Entry) (*access.Plan, error) {
	if len(r.plans) >= knownPlans || r.plans == nil {
		r.plans = map[string]*access.Plan{}
	}
	entries := []ledger.Entry{e}
	if _, known := r.plans[e.Request]; !known && e.Kind != ledger.KindRequest {
		r.plans[e.Request] = nil
		var err error
		if entries, err = r.Store.LedgerOf(ctx, r.Console, e.Request); err != nil {
			return nil, err
		}
	}
	for _, one := range entries {
		if one.Kind != ledger.KindRequest || one.Seq > e.Seq {
			continue
		}
		if body, err := ledger.DecodeAs[ledger.Request](one); err == nil {
			r.plans[e.Request] = &body.Plan
		}
	}
	return r.plans[e.Request], nil
}
