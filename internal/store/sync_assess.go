package store

import (
	"context"

	"sentinelone-provisioner/internal/access"
)

// Assess tells what promoting the snapshot would do to what readers see. Losses,
// changes and counts leave out the stale collections.
func (s *Store) Assess(ctx context.Context, id string) (Assessment, error) {
	var out Assessment
	err := s.read(ctx, func(q queryer) error {
		snap, err := findSnapshot(ctx, q, id)
		if err != nil {
			return err
		}
		if err := snap.mustBeOpen(); err != nil {
			return err
		}
		all, err := drains(ctx, q, snap.seq)
		if err != nil {
			return err
		}
		known, err := heads(ctx, q, snap.console)
		if err != nil {
			return err
		}
		fresh := out.place(snap, all, known)
		t, err := take(ctx, q, snap, all, fresh, known)
		if err != nil {
			return err
		}
		out.Losses = t.losses(fresh)
		out.Added, out.Removed = t.changes()
		out.Counts = t.counts(fresh, known)
		return nil
	})
	return out, err
}

// place finds the stale and the moved collections, and returns those not stale.
func (a *Assessment) place(
	snap snapshotRow, all map[access.Collection]drainRow, known map[access.Collection]head,
) []access.Collection {
	var fresh []access.Collection
	for _, c := range access.Collections() {
		d, covered := all[c]
		switch {
		case !covered:
			continue
		case known[c].seq > snap.seq:
			a.Stale = append(a.Stale, c)
			continue
		case d.attempt > 0 && known[c].version != d.base:
			a.Moved = append(a.Moved, c)
		}
		fresh = append(fresh, c)
	}
	return fresh
}

func (t tally) losses(cs []access.Collection) []Loss {
	var out []Loss
	var held, removed int
	principals := false
	for _, c := range cs {
		out = append(out, Loss{What: string(c), Before: t.visible[c], Gone: t.gone(c)})
		if c.PrincipalKind() != "" {
			principals = true
			held += t.held[c]
			removed += t.removed[c]
		}
	}
	if principals {
		out = append(out, Loss{What: Assignments, Before: held, Gone: removed})
	}
	return out
}
