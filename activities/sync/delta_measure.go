package sync

import (
	"context"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// markFeed notes where the activity feed stands before a full sync reads anything, so that delta syncs can go on from
// there. The full sync does not depend on it: where the feed cannot be read, delta syncs become full ones.
func (s *Activities) markFeed(ctx context.Context, in wire.SyncCheckInput) {
	host := s.console.Console()
	feed, err := s.store.Feed(ctx, host, in.Snapshot)
	if err != nil || !feed.Wanted || len(in.Collections) != len(access.Collections()) {
		return
	}
	m := store.FeedMark{Snapshot: in.Snapshot, TakenAt: s.now()}
	known, err := s.console.ActivityTypes(ctx)
	if err == nil {
		m.Types, m.Why = activityTypes(known)
	}
	if err == nil && m.Why == "" {
		var newest []console.Activity
		newest, err = s.newest(ctx, m.Types)
		m.At = markOf(newest, m.TakenAt, feed.Watermark)
	}
	if err != nil {
		m.Why = "the activity feed cannot be read: " + describe.Text(err.Error())
	}
	if err := s.store.MarkFeed(ctx, host, m); err != nil {
		attempt.Logger(ctx).Warn("Cannot mark the activity feed: delta syncs stay full syncs", "error", err)
	}
}

// newest reads the newest activities, fewer where they are large.
func (s *Activities) newest(ctx context.Context, types []int) ([]console.Activity, error) {
	q := console.ActivityQuery{Types: types, Newest: true, Limit: newestRead}
	for {
		page, err := s.console.Activities(ctx, q)
		if !askFewer(&q, err) {
			return page.Items, err
		}
	}
}

// newestRead is how many of the newest activities are read for a mark, since the first ones may have an odd time.
const newestRead = 50

// markOf is the time of the newest activity that is not ahead of this clock. Where all of them are, so is the console's
// clock, and what comes later is dated later. Where there are none or few, delta syncs read anew what they have read
// since the watermark.
func markOf(newest []console.Activity, now, watermark time.Time) (at time.Time) {
	for _, a := range newest {
		if a.CreatedAt.After(at) && !a.CreatedAt.After(now) {
			at = a.CreatedAt
		}
	}
	switch {
	case !at.IsZero() || len(newest) == 0:
		return at
	case len(newest) == newestRead:
		return now
	case !watermark.After(now):
		return watermark
	}
	return time.Time{}
}

// measureFeed counts, after a full sync, the changes that the activity feed did not name since the last one.
func (s *Activities) measureFeed(ctx context.Context, snapshot string, out *wire.SyncSettleResult) {
	if out.State != wire.StatePromoted && out.State != wire.StateUnchanged {
		return
	}
	host := s.console.Console()
	feed, err := s.store.Feed(ctx, host, snapshot)
	if err != nil || !feed.Wanted {
		return
	}
	in := store.MeasureInput{
		Console: host, Snapshot: snapshot, Named: map[store.PrincipalRef][]string{},
		Collections: map[access.Collection]bool{},
	}
	if feed.Why == "" && feed.Age(s.now()) <= feedRetention {
		news, err := s.readNews(ctx, feed)
		if err != nil {
			attempt.Logger(ctx).Warn("Cannot tell what the activity feed missed: the next full sync does", "error", err)
		}
		if in.Read = err == nil && news.whole; in.Read {
			in.Read = s.nameChanges(ctx, news, &in) == nil
		}
	}
	got, err := s.store.MeasureFeed(ctx, in)
	if err != nil {
		attempt.Logger(ctx).Warn("Cannot record what the activity feed missed", "error", err)
		return
	}
	if got == nil {
		return
	}
	out.Feed = &wire.FeedMeasure{Missed: got.Missed, Changes: got.Changes}
	if got.Missed > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf(
			"the activity feed missed %d of %d changes since the last full sync: delta syncs cannot see them",
			got.Missed, got.Changes))
	}
}

// nameChanges notes whom the feed names. After a deletion that a delta sync cannot follow it would have become a full
// sync, which misses nothing.
func (s *Activities) nameChanges(ctx context.Context, news feedNews, in *store.MeasureInput) error {
	in.All = news.needsFull != ""
	in.Seen = news.seen()
	for _, a := range news.entries {
		of := activityKinds[a.Type]
		if of.PrincipalKind() == "" {
			in.Collections[of] = true
			continue
		}
		refs := []store.PrincipalRef{{Kind: access.User, ID: a.UserID}, {Kind: access.ServiceUser, ID: a.UserID}}
		if a.UserID == "" {
			var err error
			if refs, err = s.named(ctx, a); err != nil {
				return err
			}
		}
		for _, who := range refs {
			in.Named[who] = addAuthor(in.Named[who], a.By)
		}
	}
	return nil
}
