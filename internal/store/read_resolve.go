package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// principalKey names one principal; ids of users and service users do not mix.
type principalKey struct {
	kind access.Kind
	id   string
}

// scopeKey names one scope.
type scopeKey struct {
	level access.Level
	id    string
}

// principals finds all principals of the kind (any, if empty) with that id, email or name.
func (v view) principals(ctx context.Context, kind access.Kind, name string) ([]principalKey, error) {
	q := v.principalQuery("SELECT e.collection, e.id FROM entities e WHERE ", kind)
	q.add(" AND (e.id = %s OR e.email_folded = %s OR e.name = %s)", name, foldCase(name), name)
	var out []principalKey
	err := forEachRow(ctx, v.q, "find the principal", q.text.String(), q.args, func(rows *sql.Rows) error {
		var c access.Collection
		var id string
		err := rows.Scan(&c, &id)
		out = append(out, principalKey{c.PrincipalKind(), id})
		return err
	})
	if err != nil || len(out) > 0 {
		return out, err
	}
	similar, err := v.similarPrincipals(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	return nil, &NoMatchError{What: principalWord(kind), Name: name, Similar: similar}
}

func (v view) principalQuery(text string, kind access.Kind) *query {
	q := v.query(text + v.sees("e"))
	switch kind {
	case access.User:
		q.add(" AND e.collection = %s", string(access.Users))
	case access.ServiceUser:
		q.add(" AND e.collection = %s", string(access.ServiceUsers))
	default:
		q.add(" AND e.collection IN (%s, %s)", string(access.Users), string(access.ServiceUsers))
	}
	return q
}

func (v view) similarPrincipals(ctx context.Context, kind access.Kind, name string) ([]string, error) {
	q := v.principalQuery("SELECT e.email, e.name FROM entities e WHERE ", kind)
	n := similarNames{folded: foldCase(name)}
	err := forEachRow(ctx, v.q, "find similar names", q.text.String(), q.args, func(rows *sql.Rows) error {
		var email, full string
		if err := rows.Scan(&email, &full); err != nil {
			return err
		}
		if !n.add(email) {
			n.add(full)
		}
		return nil
	})
	return n.best(), err
}

func principalWord(kind access.Kind) string {
	switch kind {
	case access.User:
		return "user"
	case access.ServiceUser:
		return "service user"
	}
	return "principal"
}

// rolesNamed finds the ids of all roles with that id or name.
func (p places) rolesNamed(name string) ([]string, error) {
	var out []string
	n := similarNames{folded: foldCase(name)}
	for id, r := range p.roles {
		if id == name || r.Name == name {
			out = append(out, id)
		}
		n.add(r.Name)
	}
	if len(out) == 0 {
		return nil, &NoMatchError{What: "role", Name: name, Similar: n.best()}
	}
	slices.Sort(out)
	return out, nil
}

// scopesNamed finds all scopes with that id, name or "Account / Site".
func (p places) scopesNamed(name string) ([]scopeKey, error) {
	if name == string(access.Tenant) {
		return []scopeKey{{level: access.Tenant}}, nil
	}
	var out []scopeKey
	n := similarNames{folded: foldCase(name)}
	for id, a := range p.accounts {
		if id == name || a.Name == name {
			out = append(out, scopeKey{access.AccountLevel, id})
		}
		n.add(a.Name)
	}
	for id, s := range p.sites {
		full := p.scopeName(access.SiteLevel, id)
		if id == name || s.Name == name || full == name {
			out = append(out, scopeKey{access.SiteLevel, id})
		}
		if !n.add(full) && n.isSimilar(s.Name) {
			n.insert(full, 1)
		}
	}
	if len(out) == 0 {
		return nil, &NoMatchError{What: "scope", Name: name, Similar: n.best()}
	}
	slices.SortFunc(out, func(a, b scopeKey) int {
		return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.id, b.id))
	})
	return out, nil
}
