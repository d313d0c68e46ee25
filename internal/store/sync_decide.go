package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// Quarantine holds a snapshot back until a person promotes or discards it. Repeating
// it replaces the reasons. For a snapshot that has ended it is [ErrDecided].
func (s *Store) Quarantine(ctx context.Context, id string, reasons []string) error {
	if reasons == nil {
		reasons = []string{}
	}
	why, err := toJSON(reasons)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		snap, err := s.claim(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := snap.mustBeOpen(); err != nil {
			return err
		}
		counts, err := s.wouldBe(ctx, tx, snap)
		if err != nil {
			return err
		}
		_, err = exec(ctx, tx, "quarantine the snapshot",
			`UPDATE snapshots SET state = $1, reasons = $2, counts = $3, finished_at = $4, note = '' WHERE seq = $5`,
			StateQuarantined, why, counts, micros(s.now()), snap.seq)
		return err
	})
}

// wouldBe is the JSON of the counts that promoting everything would give.
func (s *Store) wouldBe(ctx context.Context, q queryer, snap snapshotRow) (string, error) {
	all, err := drains(ctx, q, snap.seq)
	if err != nil {
		return "", err
	}
	known, err := heads(ctx, q, snap.console)
	if err != nil {
		return "", err
	}
	var a Assessment
	fresh := a.place(snap, all, known)
	t, err := take(ctx, q, snap, all, fresh, known)
	if err != nil {
		return "", err
	}
	return toJSON(t.counts(fresh, known))
}

// Discard ends a snapshot without promoting it and deletes what it received.
// Repeating it changes nothing. For a promoted snapshot it is [ErrDecided], for one
// that was never begun [ErrNoSnapshot].
func (s *Store) Discard(ctx context.Context, id string, in DiscardInput) error {
	if !slices.Contains([]string{StateDiscarded, StateFailed}, in.State) {
		return fmt.Errorf("a snapshot cannot be dropped as %q: choose %s or %s", in.State, StateDiscarded, StateFailed)
	}
	reasons := []string{}
	if in.Why != "" {
		reasons = append(reasons, in.Why)
	}
	why, err := toJSON(reasons)
	if err != nil {
		return err
	}
	return s.writeOn(ctx, func(t *txn) error {
		snap, err := s.claim(ctx, t.Tx, id)
		if err != nil {
			return err
		}
		if err := snap.mustBeOpen(); err != nil {
			if snap.state == StateDiscarded || snap.state == StateFailed {
				return nil
			}
			return err
		}
		if err := s.lockDrains(ctx, t.Tx, snap.seq); err != nil {
			return err
		}
		all, err := drains(ctx, t.Tx, snap.seq)
		if err != nil {
			return err
		}
		return t.together(ctx, append(wipeAll(snap, all, nil), step{
			what: "drop the snapshot",
			query: `UPDATE snapshots SET state = $1, decided_by = $2, finished_at = $3, note = '',
			               reasons = CASE WHEN $4 = '[]' THEN reasons ELSE $4 END WHERE seq = $5`,
			args: []any{in.State, in.By, micros(s.now()), why, snap.seq},
		})...)
	})
}

// Note records why a collection waits, or with c "" why the whole snapshot does. The
// next saved page clears a collection's note, the end of the snapshot its own. A
// snapshot that has ended takes no note, which is not an error: whoever waited is
// only late.
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
			_, err := exec(ctx, tx, "note why the snapshot waits",
				`UPDATE snapshots SET note = $1, requests = requests + $2 WHERE seq = $3`, note, n.Requests, snap.seq)
			return err
		}
		touched, err := exec(ctx, tx, "note why the drain waits",
			`UPDATE drains SET note = $1, requests = requests + $2 WHERE snapshot_seq = $3 AND collection = $4`,
			note, n.Requests, snap.seq, string(c))
		if err == nil && touched == 0 {
			err = errors.New("snapshot " + id + " does not cover " + string(c) + ": begin it with that collection")
		}
		return err
	})
}
