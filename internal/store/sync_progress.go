package store

import (
	"context"
	"encoding/json"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// Progress returns how far a snapshot is, collection by collection. An unknown snapshot
// is [ErrNoSnapshot].
func (s *Store) Progress(ctx context.Context, id string) (Progress, error) {
	out := Progress{Collections: map[access.Collection]CollectionProgress{}}
	err := s.read(ctx, func(q queryer) error {
		snap, err := findSnapshot(ctx, q, id)
		if err != nil {
			return err
		}
		out.State = snap.state
		if out.Note, err = parseNote(snap.note); err != nil {
			return err
		}
		drains, err := allDrains(ctx, q, snap.seq)
		if err != nil {
			return err
		}
		for c, d := range drains {
			if out.Collections[c], err = d.progress(); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (r drainRow) progress() (CollectionProgress, error) {
	note, err := parseNote(r.note)
	p := CollectionProgress{
		State: CollectionDraining, Attempt: r.attempt, Pages: r.pages, Rows: r.received,
		Expected: intOrNil(r.lastTotal), Note: note, Requests: r.requests,
	}
	switch {
	case r.attempt == 0:
		p.State = CollectionWaiting
	case r.complete():
		p.State = CollectionDrained
	}
	return p, err
}

func parseNote(text string) (*Note, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no note is no error
	}
	var n Note
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return nil, fmt.Errorf("decode a stored note: %w", err)
	}
	return &n, nil
}
