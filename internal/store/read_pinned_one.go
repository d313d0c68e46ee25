package store

import (
	"context"
	"database/sql"

	"sentinelone-provisioner/internal/access"
)

// Account is the account of an id; nil if there is none.
func (p *Pinned) Account(ctx context.Context, id string) (*access.Account, error) {
	return one(entitiesNamed(ctx, p, access.Accounts, []string{id}, decoded[access.Account]))
}

// Site is the site of an id; nil if there is none.
func (p *Pinned) Site(ctx context.Context, id string) (*access.Site, error) {
	return one(entitiesNamed(ctx, p, access.Sites, []string{id}, decoded[access.Site]))
}

// Role is the role of an id; nil if there is none.
func (p *Pinned) Role(ctx context.Context, id string) (*access.Role, error) {
	return one(entitiesNamed(ctx, p, access.Roles, []string{id}, decoded[access.Role]))
}

// Principal is the principal of a kind and id with the roles that it holds; nil if there is none.
func (p *Pinned) Principal(ctx context.Context, kind access.Kind, id string) (*access.Principal, error) {
	found, err := one(p.PrincipalsNamed(ctx, kind, []string{id}))
	if err != nil || found == nil {
		return nil, err
	}
	v := p.view()
	q := v.query("SELECT a.role_id, a.level, a.scope_id FROM assignments a WHERE " + p.sees("a"))
	q.add(" AND a.principal_kind = %s AND a.principal_id = %s ORDER BY a.role_id, a.level, a.scope_id",
		string(kind), id)
	err = forEachRow(ctx, v.q, "read the roles of "+id, q.text.String(), q.args, func(rows *sql.Rows) error {
		var h access.HeldRole
		err := rows.Scan(&h.RoleID, &found.Level, &h.ScopeID)
		found.Held = append(found.Held, h)
		return err
	})
	return found, p.s.explain(err)
}

// PrincipalsNamed are the principals of a kind with these ids, sorted by id, without the roles that they hold.
func (p *Pinned) PrincipalsNamed(ctx context.Context, kind access.Kind, ids []string) ([]access.Principal, error) {
	return entitiesNamed(ctx, p, access.Principal{Kind: kind}.In(), ids, decodedPrincipal)
}

func entitiesNamed[T any](
	ctx context.Context, p *Pinned, c access.Collection, ids []string,
	decode func(doc []byte, lastActive sql.NullInt64) (T, error),
) ([]T, error) {
	v := p.view()
	text := v.d.probe("e.doc, e.last_active, e.id", "entities e", p.sees("e")+" AND e.collection = $4", "e.id", "$3")
	var out []T
	err := forEachRow(ctx, v.q, "find "+string(c), "SELECT f.doc, f.last_active FROM ("+text+") f ORDER BY f.id",
		[]any{v.console, v.at, list(v.d, ids), string(c)}, func(rows *sql.Rows) error {
			var doc []byte
			var lastActive sql.NullInt64
			if err := rows.Scan(&doc, &lastActive); err != nil {
				return err
			}
			value, err := decode(doc, lastActive)
			out = append(out, value)
			return err
		})
	return out, p.s.explain(err)
}

func one[T any](found []T, err error) (*T, error) {
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}
