package store

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// Assess computes what promoting the snapshot would change for readers. Losses, changes
// and counts leave out the stale collections. A snapshot that has ended is [ErrDecided],
// an unknown one [ErrNoSnapshot].
func (s *Store) Assess(ctx context.Context, id string) (Assessment, error) {
	var out Assessment
	err := s.read(ctx, func(q queryer) error {
		snap, err := findSnapshot(ctx, q, id)
		if err != nil {
			return err
		}
		if err := snap.checkOpen(); err != nil {
			return err
		}
		drains, err := allDrains(ctx, q, snap.seq)
		if err != nil {
			return err
		}
		heads, err := allHeads(ctx, q, snap.console)
		if err != nil {
			return err
		}
		fresh := out.classify(snap, drains, heads)
		sum, err := countSnapshot(ctx, q, s.d, snap, drains, fresh, heads)
		if err != nil {
			return err
		}
		out.Losses = sum.losses(fresh)
		out.Added, out.Removed = sum.assignmentDiff()
		out.Counts = sum.counts(fresh, heads)
		return nil
	})
	return out, err
}

// classify sets the stale, the moved and the drained collections and returns those that are not stale.
func (a *Assessment) classify(
	snap snapshotRow, drains map[access.Collection]drainRow, heads map[access.Collection]collectionHead,
) []access.Collection {
	var fresh []access.Collection
	for _, c := range access.Collections() {
		d, covered := drains[c]
		switch {
		case !covered:
			continue
		case heads[c].seq > snap.seq:
			a.Stale = append(a.Stale, c)
			continue
		case d.attempt > 0 && heads[c].version != d.base:
			a.Moved = append(a.Moved, c)
		}
		if d.complete() {
			if a.Drained == nil {
				a.Drained = map[access.Collection]int{}
			}
			a.Drained[c] = d.attempt
		}
		fresh = append(fresh, c)
	}
	return fresh
}

func (sum snapshotCounts) losses(cs []access.Collection) []Loss {
	var out []Loss
	var held, removed int
	principals := false
	for _, c := range cs {
		out = append(out, Loss{What: string(c), Before: sum.visible[c], Gone: sum.missing(c)})
		if c.PrincipalKind() != "" {
			principals = true
			held += sum.assignments[c]
			removed += sum.assignmentsRemoved[c]
		}
	}
	if principals {
		out = append(out, Loss{What: Assignments, Before: held, Gone: removed})
	}
	return out
}
