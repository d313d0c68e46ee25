package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Quarantine keeps a snapshot from readers until a person promotes or discards it.
// Repeating it replaces the reasons. A snapshot that has ended is [ErrDecided], an unknown
// one [ErrNoSnapshot].
func (s *Store) Quarantine(ctx context.Context, id string, reasons []string) error {
	if reasons == nil {
		reasons = []string{}
	}
	why, err := toJSON(reasons)
	if err != nil {
		return err
	}
	return s.writeDurably(ctx, func(tx *sql.Tx) error {
		snap, err := s.lockConsoleOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := snap.checkOpen(); err != nil {
			return err
		}
		counts, err := s.countsIfPromoted(ctx, tx, snap)
		if err != nil {
			return err
		}
		_, err = exec(ctx, tx, "quarantine the snapshot",
			`UPDATE snapshots SET state = $1, reasons = $2, counts = $3, finished_at = $4, note = '' WHERE seq = $5`,
			StateQuarantined, why, counts, micros(s.now()), snap.seq)
		return err
	})
}

// countsIfPromoted is the JSON of the counts after promoting all collections of the
// snapshot that are not stale.
func (s *Store) countsIfPromoted(ctx context.Context, q queryer, snap snapshotRow) (string, error) {
	drains, err := allDrains(ctx, q, snap.seq)
	if err != nil {
		return "", err
	}
	heads, err := allHeads(ctx, q, snap.console)
	if err != nil {
		return "", err
	}
	var a Assessment
	fresh := a.classify(snap, drains, heads)
	sum, err := countSnapshot(ctx, q, s.d, snap, drains, fresh, heads)
	if err != nil {
		return "", err
	}
	return toJSON(sum.counts(fresh, heads))
}

// Discard ends a snapshot without promoting it and deletes what it received. Repeating it
// changes nothing. A promoted or unchanged snapshot is [ErrDecided], an unknown one
// [ErrNoSnapshot].
func (s *Store) Discard(ctx context.Context, id string, in DiscardInput) error {
	if !slices.Contains([]string{StateDiscarded, StateFailed}, in.State) {
		return fmt.Errorf("discard snapshot %s with state %q: choose %s or %s",
			id, in.State, StateDiscarded, StateFailed)
	}
	reasons := []string{}
	if in.Why != "" {
		reasons = append(reasons, in.Why)
	}
	why, err := toJSON(reasons)
	if err != nil {
		return err
	}
	return s.writeOnDurably(ctx, func(t *txn) error {
		snap, err := s.lockConsoleOf(ctx, t.Tx, id)
		if err != nil {
			return err
		}
		if err := snap.checkOpen(); err != nil {
			if snap.state == StateDiscarded || snap.state == StateFailed {
				return nil
			}
			return err
		}
		if err := s.lockDrains(ctx, t.Tx, snap.seq); err != nil {
			return err
		}
		drains, err := allDrains(ctx, t.Tx, snap.seq)
		if err != nil {
			return err
		}
		return t.execBatch(ctx, append(clearOtherDrains(snap, drains, nil), statement{
			purpose: "discard the snapshot",
			sql: `UPDATE snapshots SET state = $1, decided_by = $2, finished_at = $3, note = '',
			               reasons = CASE WHEN $4 = '[]' THEN reasons ELSE $4 END WHERE seq = $5`,
			args: []any{in.State, in.By, micros(s.now()), why, snap.seq},
		})...)
	})
}

// Note records why a drain is delayed, or with c "" why the whole snapshot is. An empty
// text clears the note. The next saved page clears the note of its collection, the end of
// the snapshot clears the snapshot's. Noting on a snapshot that has ended does nothing and
// is no error: the caller is only late. An unknown snapshot is [ErrNoSnapshot].
func (s *Store) Note(ctx context.Context, id string, c access.Collection, n Note) error {
	if n.At.IsZero() {
		n.At = s.now()
	}
	n.At = n.At.UTC()
	note, err := toJSON(n)
	if err != nil {
		return err
	}
	if n.Text == "" {
		note = ""
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		snap, err := findSnapshot(ctx, tx, id)
		if err != nil {
			return err
		}
		if !snap.open() {
			return nil
		}
		if c == "" {
			_, err := exec(ctx, tx, "record why the snapshot is delayed",
				`UPDATE snapshots SET note = $1, requests = requests + $2 WHERE seq = $3`, note, n.Requests, snap.seq)
			return err
		}
		touched, err := exec(ctx, tx, "record why the drain is delayed",
			`UPDATE drains SET note = $1, requests = requests + $2 WHERE snapshot_seq = $3 AND collection = $4`,
			note, n.Requests, snap.seq, string(c))
		if err == nil && touched == 0 {
			err = errNotCovered(id, c)
		}
		return err
	})
}
