package consoletest

import (
	"bytes"
	"io"

	"sentinelone-provisioner/internal/access"
)

// crowd is the list of roles that all users share if Options.RolesEach is set. Its JSON is
// rendered once, since it is nearly all of each row.
type crowd struct {
	held []held
	json []byte
}

// everywhere is a predefined role at each of the first n sites; nil for none.
func (g *principalGenerator) everywhere(n int) []held {
	var out []held
	for i := range min(n, len(g.c.sites.records)) {
		out = append(out, held{role: g.predefined[i%len(g.predefined)], scope: g.c.sites.records[i].id})
	}
	return out
}

// of reports whether a principal still has the shared list, which no edit changes in place.
func (r *crowd) of(p *principal) bool {
	return len(r.held) > 0 && len(p.held) == len(r.held) && &p.held[0] == &r.held[0]
}

var noRoles = []byte(`"scopeRoles":[]`)

// crowdRow is the row of a user with the shared list, in parts.
func (c *Console) crowdRow(p *principal) [][]byte {
	if c.crowd.json == nil {
		c.crowd.json = append([]byte(`"scopeRoles":`), mustJSON(c.scopeRoles(p))...)
	}
	view := *p
	view.held = nil
	row := c.userView(&view)
	row.LowestRole = c.userView(p).LowestRole
	before, after, _ := bytes.Cut(mustJSON(row), noRoles)
	return [][]byte{before, c.crowd.json, after}
}

// streamed is a page whose rows are rendered while it is written. An edit meanwhile may show in
// some of its rows.
func (c *Console) streamed(page []*record, p pagination) answer {
	return answer{status: 200, stream: func(w io.Writer) error {
		before, after, _ := bytes.Cut(envelope(access.Users, nil, p).body, []byte("[]"))
		if _, err := w.Write(append(before, '[')); err != nil {
			return err
		}
		for i, r := range page {
			for _, part := range c.rowParts(r, i > 0) {
				if _, err := w.Write(part); err != nil {
					return err
				}
			}
		}
		_, err := w.Write(append([]byte{']'}, after...))
		return err
	}}
}

func (c *Console) rowParts(r *record, comma bool) [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts [][]byte
	if comma {
		parts = [][]byte{{','}}
	}
	if p := r.entity.(*principal); c.crowd.of(p) {
		return append(parts, c.crowdRow(p)...)
	}
	return append(parts, c.render(r))
}
