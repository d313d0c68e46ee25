package consoletest

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// Who changed something.
const (
	ByAPI  = "api"  // a write through the API
	ByHand = "hand" // an edit behind the API's back
)

// Change is one thing that happened to what a principal holds. A write through the API
// is in the log even if it changed nothing; an edit by hand only if it did.
type Change struct {
	At      time.Time       `json:"at"`
	By      string          `json:"by"` // ByAPI or ByHand
	Kind    access.Kind     `json:"kind"`
	ID      string          `json:"id"`
	Before  access.Holdings `json:"before"` // empty, and no level, if it was made
	After   access.Holdings `json:"after"`  // empty, and no level, if it was deleted
	Created bool            `json:"created,omitempty"`
	Deleted bool            `json:"deleted,omitempty"`
}

// keepChanges bounds the log of a console that runs for days.
const keepChanges = 50_000

// Changes returns what happened to principals so far, in that order; of a very long run
// the last 25,000 at least.
func (c *Console) Changes() []Change {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.changes)
}

// changed logs one change; before is nil for one that was made, after for one that was
// deleted.
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
