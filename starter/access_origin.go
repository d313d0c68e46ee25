package main

import (
	"context"
	"iter"
	"time"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/store"
)

// originsAtOnce is how many rows are held while the store says what they are.
const originsAtOnce = 2000

// withOrigins adds to each row what the assignment is to us, now.
func withOrigins(
	ctx context.Context, db *store.Store, host string, now time.Time, rows iter.Seq2[store.AccessRow, error],
) iter.Seq2[store.AccessRow, error] {
	return func(yield func(store.AccessRow, error) bool) {
		b := originBatch{add: func(held []store.AccessRow) error { return addOrigins(ctx, db, host, now, held) }}
		for r, err := range rows {
			if err != nil {
				if b.flush(yield) {
					yield(r, err)
				}
				return
			}
			if b.held = append(b.held, r); len(b.held) == originsAtOnce && !b.flush(yield) {
				return
			}
		}
		b.flush(yield)
	}
}

// originBatch holds rows that wait for their origins.
type originBatch struct {
	add  func([]store.AccessRow) error
	held []store.AccessRow
}

// flush passes on the rows that are held, with their origins, and says whether more are wanted.
func (b *originBatch) flush(yield func(store.AccessRow, error) bool) bool {
	err := b.add(b.held)
	for _, r := range b.held {
		if !yield(r, err) || err != nil {
			return false
		}
	}
	b.held = b.held[:0]
	return true
}

func addOrigins(ctx context.Context, db *store.Store, host string, now time.Time, rows []store.AccessRow) error {
	if len(rows) == 0 {
		return nil
	}
	of := make([]drift.Assignment, len(rows))
	for i, r := range rows {
		of[i] = assignmentOf(r)
	}
	origins, err := db.Origins(ctx, host, now, of)
	if err != nil {
		return err
	}
	for i := range rows {
		origin := origins[of[i]]
		rows[i].Origin = &origin
	}
	return nil
}

// assignmentOf is the assignment that a row shows, or that it is inherited from.
func assignmentOf(r store.AccessRow) drift.Assignment {
	a := drift.Assignment{Kind: r.Kind, ID: r.ID}
	a.RoleID, a.Level, a.ScopeID = r.RoleID, r.Level, r.ScopeID
	if r.Via != nil {
		a.Level, a.ScopeID = r.Via.Level, r.Via.ScopeID
	}
	return a
}

// originText is "leased until 2026-03-10 16:00 UTC by grant/INC-42"; "" where it is not known.
func originText(o *store.Origin) string {
	if o == nil {
		return ""
	}
	text := string(o.Kind)
	switch {
	case o.Released:
		text = "released on " + describe.Minute(*o.Until)
	case o.Until != nil && o.Kind == drift.Overdue:
		text += " since " + describe.Minute(*o.Until)
	case o.Until != nil:
		text += " until " + describe.Minute(*o.Until)
	}
	if o.Request != "" {
		text += " by " + o.Request
	}
	return text
}
