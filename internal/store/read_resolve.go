package store

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
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
	byID := v.principalQuery("SELECT e.collection, e.id FROM entities e WHERE ", kind)
	byID.add(" AND e.id = %s", name)
	found := map[principalKey]bool{}
	if err := v.findInto(ctx, found, byID); err != nil {
		return nil, err
	}
	if folded := foldCase(name); folded != "" {
		byEmail := v.named(kind, "n.email_folded <> '' AND n.email_folded = %s", folded)
		if err := v.findInto(ctx, found, byEmail); err != nil {
			return nil, err
		}
	}
	for i, spelling := range access.Spellings(name) {
		if i > 0 && len(found) > 0 {
			break
		}
		if err := v.findInto(ctx, found, v.named(kind, "n.name = %s", spelling)); err != nil {
			return nil, err
		}
	}
	if len(found) > 0 {
		return slices.SortedFunc(maps.Keys(found), func(a, b principalKey) int {
			return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id))
		}), nil
	}
	similar, same, err := v.similarPrincipals(ctx, kind, name)
	if err != nil || len(same) > 0 {
		return same, err
	}
	return nil, &NoMatchError{What: principalWord(kind), Name: name, Similar: similar}
}

// named selects the principals for which a condition on a row n of entities holds that one of the indexes
// of names serves.
func (v view) named(kind access.Kind, condition, value string) *query {
	begin, end := v.d.eachPartition()
	q := v.query(begin)
	q.add(condition, value)
	q.text.WriteString(end + " WHERE " + v.sees("e"))
	v.ofKind(q, kind)
	return q
}

func (v view) findInto(ctx context.Context, found map[principalKey]bool, q *query) error {
	return forEachRow(ctx, v.q, "find the principal", q.text.String(), q.args, func(rows *sql.Rows) error {
		var c access.Collection
		var id string
		err := rows.Scan(&c, &id)
		found[principalKey{c.PrincipalKind(), id}] = true
		return err
	})
}

func (v view) principalQuery(text string, kind access.Kind) *query {
	q := v.query(text + v.sees("e"))
	v.ofKind(q, kind)
	return q
}

// ofKind adds the condition that a row e of entities is a principal of the kind; any, if empty.
func (view) ofKind(q *query, kind access.Kind) {
	switch kind {
	case access.User:
		q.add(" AND e.collection = %s", string(access.Users))
	case access.ServiceUser:
		q.add(" AND e.collection = %s", string(access.ServiceUsers))
	default:
		q.add(" AND e.collection IN (%s, %s)", string(access.Users), string(access.ServiceUsers))
	}
}

// similarPrincipals lists similar names, and the principals whose name looks the same in a message.
func (v view) similarPrincipals(
	ctx context.Context, kind access.Kind, name string,
) (similar []string, same []principalKey, err error) {
	q := v.principalQuery("SELECT e.collection, e.id, e.email, e.name FROM entities e WHERE ", kind)
	n := similarNames{folded: foldCase(name)}
	err = forEachRow(ctx, v.q, "find similar names", q.text.String(), q.args, func(rows *sql.Rows) error {
		var c access.Collection
		var id, email, full string
		if err := rows.Scan(&c, &id, &email, &full); err != nil {
			return err
		}
		if full != "" && access.SameLabel(full, name) {
			same = append(same, principalKey{c.PrincipalKind(), id})
		}
		if !n.add(email) {
			n.add(full)
		}
		return nil
	})
	slices.SortFunc(same, func(a, b principalKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id))
	})
	return n.best(), same, err
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

// deletedState is the state of a scope that a console still lists.
const deletedState = "deleted"

// spelled finds by a name as it is typed, and else by the one that it quotes.
func spelled[T any](name string, find func(name string) ([]T, error)) ([]T, error) {
	spellings := access.Spellings(name)
	found, err := find(spellings[0])
	for _, other := range spellings[1:] {
		if err == nil {
			break
		}
		if more, failed := find(other); failed == nil {
			return more, nil
		}
	}
	return found, err
}

// rolesNamed finds the ids of all roles with that id or name.
func (p places) rolesNamed(name string) ([]string, error) { return spelled(name, p.rolesSpelled) }

func (p places) rolesSpelled(name string) ([]string, error) {
	var out, same []string
	n := similarNames{folded: foldCase(name)}
	for id, r := range p.roles {
		switch {
		case id == name || r.Name == name:
			out = append(out, id)
		case access.SameLabel(r.Name, name):
			same = append(same, id)
		}
		n.add(r.Name)
	}
	if len(out) == 0 {
		out = same
	}
	if len(out) == 0 {
		return nil, &NoMatchError{What: "role", Name: name, Similar: n.best()}
	}
	slices.Sort(out)
	return out, nil
}

// scopesNamed finds all scopes with that id, name or "Account / Site".
func (p places) scopesNamed(name string) ([]scopeKey, error) { return spelled(name, p.scopesSpelled) }

func (p places) scopesSpelled(name string) ([]scopeKey, error) {
	if name == string(access.Tenant) {
		return []scopeKey{{level: access.Tenant}}, nil
	}
	var out, same []scopeKey
	n := similarNames{folded: foldCase(name)}
	for id, a := range p.accounts {
		switch {
		case id == name || a.Name == name:
			out = append(out, scopeKey{access.AccountLevel, id})
		case access.SameLabel(a.Name, name):
			same = append(same, scopeKey{access.AccountLevel, id})
		}
		if a.State != deletedState {
			n.add(a.Name)
		}
	}
	for id, s := range p.sites {
		full := p.scopeName(access.SiteLevel, id)
		switch {
		case id == name || s.Name == name || full == name:
			out = append(out, scopeKey{access.SiteLevel, id})
		case access.SameLabel(s.Name, name) || access.SameLabel(full, name):
			same = append(same, scopeKey{access.SiteLevel, id})
		}
		if s.State != deletedState && !n.add(full) && n.isSimilar(s.Name) {
			n.insert(full, 1)
		}
	}
	if len(out) == 0 {
		out = same
	}
	if len(out) == 0 {
		return nil, &NoMatchError{What: "scope", Name: name, Similar: n.best()}
	}
	slices.SortFunc(out, func(a, b scopeKey) int {
		return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.id, b.id))
	})
	return out, nil
}
