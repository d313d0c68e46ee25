package consoletest

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Who changed something.
const (
	ByAPI  = "api"  // a write through the API
	ByHand = "hand" // a manual edit, not through the API
)

// Change is one change of a principal's roles. A write through the API is logged even if it
// changes nothing; a manual edit only if it changes something.
type Change struct {
	At      time.Time       `json:"at"`
	By      string          `json:"by"` // ByAPI or ByHand
	Kind    access.Kind     `json:"kind"`
	ID      string          `json:"id"`
	Before  access.Holdings `json:"before"` // empty, without level, if it was created
	After   access.Holdings `json:"after"`  // empty, without level, if it was deleted
	Created bool            `json:"created,omitempty"`
	Deleted bool            `json:"deleted,omitempty"`
}

// keepChanges is the most changes in the log, so that a console can run for days.
const keepChanges = 50_000

// Changes returns the changes of principals so far, oldest first; after a long run at least the
// last 25,000.
func (c *Console) Changes() []Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.changes)
}

// changed logs one change. before is nil for a created principal, after for a deleted one.
func (c *Console) changed(by string, before, after *principal) {
	e := Change{
		At: time.Now().UTC(), By: by, Before: before.holdings(), After: after.holdings(),
		Created: before == nil, Deleted: after == nil,
	}
	p := after
	if p == nil {
		p = before
	}
	e.Kind, e.ID = p.kind, text(p.id)
	if by == ByHand && !e.Created && !e.Deleted && e.Before.Equal(e.After) && e.Before.Level == e.After.Level {
		return
	}
	if len(c.changes) >= keepChanges {
		c.changes = slices.Delete(c.changes, 0, keepChanges/2)
	}
	c.changes = append(c.changes, e)
}

func (p *principal) holdings() access.Holdings {
	if p == nil {
		return access.Holdings{}.Normal()
	}
	return p.truth().Holdings()
}
