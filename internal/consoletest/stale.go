package consoletest

import (
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
)

// lag is the stale fault that affects a write; zero for none.
type lag struct {
	fault string // its id
	delay time.Duration
}

// hidden is a write that reads do not show until a time. Until then they show the principal as
// it was before, or do not show it.
type hidden struct {
	fault string
	id    int64
	until time.Time
	shown *record // nil: it was not there
}

// hide makes reads ignore a write for a while. Whether real consoles do this is not verified.
func (c *Console) hide(by lag, before, after *principal) {
	if by.delay == 0 {
		return
	}
	h := hidden{fault: by.fault, until: time.Now().Add(by.delay)}
	p := after
	if before != nil {
		old := *before
		p, h.shown = before, &record{id: old.id, entity: &old}
	}
	h.id = p.id
	if c.stale == nil {
		c.stale = map[access.Kind][]hidden{}
	}
	c.stale[p.kind] = append(c.stale[p.kind], h)
}

// reveal makes reads show the hidden writes that match.
func (c *Console) reveal(which func(hidden) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for kind, list := range c.stale {
		c.stale[kind] = slices.DeleteFunc(list, which)
	}
}

// shown returns a collection as reads see it, without hidden writes.
func (c *Console) shown(name access.Collection) *table {
	kind, now := name.PrincipalKind(), time.Now()
	list := c.stale[kind]
	if len(list) > 0 {
		list = slices.DeleteFunc(list, func(h hidden) bool { return !now.Before(h.until) })
		c.stale[kind] = list
	}
	if len(list) == 0 {
		return c.table(name)
	}
	seen := &table{records: slices.Clone(c.table(name).records)}
	// The oldest hidden write decides, so it is applied last: a read that does not show it does
	// not show later writes either.
	for _, h := range slices.Backward(list) {
		at, there := seen.search(h.id)
		switch {
		case there && h.shown == nil:
			seen.records = slices.Delete(seen.records, at, at+1)
		case there:
			seen.records[at] = h.shown
		case h.shown != nil:
			seen.records = slices.Insert(seen.records, at, h.shown)
		}
	}
	return seen
}
