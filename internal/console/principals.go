package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sentinelone-provisioner/internal/access"
)

// principalRow gathers a user or service user; what scopeRoles mean is known only
// when scope has been read, which may stand behind it.
type principalRow struct {
	access.Principal

	unassigned int
}

// scan reads the field if both kinds of principal have it.
func (p *principalRow) scan(s *scanner, key []byte) {
	switch string(key) {
	case "id":
		p.ID = s.id()
	case "scope":
		p.Level = access.ParseLevel(s.text())
	case "scopeRoles":
		p.Held, p.unassigned = nil, 0
		s.array(func() { p.scanHeld(s) })
	case "apiToken":
		p.TokenExpiresAt = scanTokenEnd(s)
	default:
		s.skip()
	}
}

// scanHeld reads one of scopeRoles, where id is the scope and roleId the role.
// roleName and name are not read: the first is null for custom roles, the second
// is the scope's.
func (p *principalRow) scanHeld(s *scanner) {
	var h access.Held
	s.object(func(key []byte) {
		switch string(key) {
		case "id":
			h.ScopeID = s.id()
		case "roleId":
			h.RoleID = s.id()
		default:
			s.skip()
		}
	})
	p.Held = append(p.Held, h)
}

// scanTokenEnd reads apiToken, which is null or absent without a token. Its value
// (in the answer that creates a service user) is passed over.
func scanTokenEnd(s *scanner) (end *time.Time) {
	s.object(func(key []byte) {
		if string(key) == "expiresAt" {
			end = s.stamp()
			return
		}
		s.skip()
	})
	return end
}

// finish settles what the roles mean at the principal's level: a tenant role has
// no scope id, whatever stands there, and below tenant level one without says
// nothing.
func (p *principalRow) finish(s *scanner) {
	s.needID(p.ID)
	kept := p.Held[:0]
	for _, h := range p.Held {
		if p.Level == access.Tenant {
			h.ScopeID = ""
		}
		if h.RoleID == "" || h.ScopeID == "" && p.Level != access.Tenant {
			p.unassigned++
			continue
		}
		kept = append(kept, h)
	}
	p.Held = access.NormalizeHeld(kept)
	if len(p.Held) == 0 {
		p.Held = nil
	}
}

// fieldsOf scans the fields of one kind of principal.
type fieldsOf func(p *principalRow, s *scanner, key []byte)

func principalRows(kind access.Kind, fields fieldsOf) rowFunc[access.Principal] {
	return func(s *scanner, page *Page[access.Principal]) {
		row := principalRow{Principal: access.Principal{Kind: kind}}
		s.object(func(key []byte) { fields(&row, s, key) })
		row.finish(s)
		page.Items = append(page.Items, row.Principal)
		page.Unassigned += row.unassigned
	}
}

// principal gets one by its own path.
func (c *Client) principal(
	ctx context.Context, kind access.Kind, path, id string, fields fieldsOf,
) (access.Principal, error) {
	r := request{method: http.MethodGet, path: path + "/" + id}
	if err := checkID(id); err != nil {
		r.path = path + "/{id}"
		return access.Principal{}, r.failed(KindNotSent, err)
	}
	row := principalRow{Principal: access.Principal{Kind: kind}}
	err := c.do(ctx, r, func(body []byte) error {
		return decodePrincipal(body, &row, id, fields)
	})
	if err != nil {
		return access.Principal{}, err
	}
	return row.Principal, nil
}

func decodePrincipal(body []byte, row *principalRow, id string, fields fieldsOf) error {
	var found bool
	s := &scanner{data: body}
	s.object(func(key []byte) {
		if string(key) != "data" {
			s.skip()
			return
		}
		found = s.object(func(key []byte) { fields(row, s, key) })
	})
	if err := s.end(); err != nil {
		return err
	}
	if !found {
		return errNoData
	}
	if row.ID != id {
		return errors.New("it is about another id than the one asked for")
	}
	row.finish(s)
	return s.err
}
