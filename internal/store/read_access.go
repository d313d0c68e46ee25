package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"
)

// fewRows is how many rows an answer may have that is sorted in memory. The database sorts larger
// ones, in temporary files where it needs to, so that an answer of millions of rows takes no more
// memory here than a small one.
const fewRows = 10_000

// ReadAccess hands use the rows that say who holds which role at which scope, sorted by principal,
// scope and role. Going through them again gives the same rows. They end with an error if reading
// fails. A name that matches several principals, roles or scopes returns the rows of all of them.
// Before use is called, a name without a match is a [*NoMatchError], and a console without a proven
// snapshot [ErrNoSnapshot].
func (s *Store) ReadAccess(
	ctx context.Context, q AccessQuery, use func(rows iter.Seq2[AccessRow, error]) error,
) error {
	return s.read(ctx, func(tx queryer) error {
		a := accessReader{
			AccessQuery: q, most: s.few,
			view: view{q: tx, d: s.d, console: q.Console, at: microsOrMax(q.AsOf)},
		}
		if err := a.resolve(ctx); err != nil {
			return err
		}
		return use(sequence(func(fn func(AccessRow) error) error { return a.each(ctx, fn) }))
	})
}

// Access returns the rows of [Store.ReadAccess].
func (s *Store) Access(ctx context.Context, q AccessQuery) ([]AccessRow, error) {
	return collect(func(use func(iter.Seq2[AccessRow, error]) error) error { return s.ReadAccess(ctx, q, use) })
}

var errStopped = errors.New("the reader wants no more rows")

// sequence ranges over what each calls its function with.
func sequence[T any](each func(fn func(T) error) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := each(func(row T) error {
			if !yield(row, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			var none T
			yield(none, err)
		}
	}
}

func collect[T any](read func(use func(iter.Seq2[T, error]) error) error) ([]T, error) {
	out := []T{}
	err := read(func(rows iter.Seq2[T, error]) error {
		for row, err := range rows {
			if err != nil {
				return err
			}
			out = append(out, row)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// accessReader is one call of ReadAccess.
type accessReader struct {
	AccessQuery

	view       view
	most       int // rows that are sorted in memory
	places     places
	principals map[principalKey]bool // nil: all
	roles      []string              // nil: all
	scopes     []scopeKey            // nil: all
}

// each calls fn with the rows of the answer, in order.
func (a *accessReader) each(ctx context.Context, fn func(AccessRow) error) error {
	held, all, err := a.few(ctx)
	if err != nil {
		return err
	}
	group := grouped(ofSamePrincipal, func(rows []AccessRow) error { return a.expand(rows, fn) })
	if !all {
		return a.eachSorted(ctx, group)
	}
	if err := a.addNames(ctx, held); err != nil {
		return err
	}
	slices.SortFunc(held, comparePrincipals)
	for _, r := range held {
		if err := group.add(r); err != nil {
			return err
		}
	}
	return group.flush()
}

// few reads the assignments of the answer, without names and in no order; all is false if there
// are too many to sort them here.
func (a *accessReader) few(ctx context.Context) (held []AccessRow, all bool, err error) {
	q := a.query(`SELECT a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id, f.promoted_at
		FROM assignments a JOIN snapshots f ON f.seq = a.since`)
	err = forEachRow(ctx, a.view.q, "read the assignments", q.text.String(), q.args, func(rows *sql.Rows) error {
		r, err := a.scan(rows)
		if err != nil || !a.isRelevant(r) {
			return err
		}
		if held = append(held, r); len(held) > a.most {
			return errStopped
		}
		return nil
	})
	if errors.Is(err, errStopped) {
		return nil, false, nil
	}
	return held, true, err
}

// eachSorted adds the assignments to the group in the order of their principals, which the database
// sorts.
func (a *accessReader) eachSorted(ctx context.Context, group *grouping[AccessRow]) error {
	q := a.query(`SELECT a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id, f.promoted_at,
			COALESCE(e.email, ''), COALESCE(e.name, '')
		FROM assignments a JOIN snapshots f ON f.seq = a.since
		LEFT JOIN entities e ON e.collection = ` + collectionOfKind + ` AND e.id = a.principal_id
			AND ` + a.view.sees("e"))
	q.add(" ORDER BY " + principalOrder)
	err := forEachRow(ctx, a.view.q, "read the assignments", q.text.String(), q.args, func(rows *sql.Rows) error {
		var email, name string
		r, err := a.scan(rows, &email, &name)
		if err != nil || !a.isRelevant(r) {
			return err
		}
		r.Email, r.Name = email, name
		return group.add(r)
	})
	if err != nil {
		return err
	}
	return group.flush()
}

const (
	// collectionOfKind is the collection of the principal of an assignment.
	collectionOfKind = "CASE a.principal_kind WHEN 'user' THEN 'users' ELSE 'serviceUsers' END"
	// principalOrder is the order of comparePrincipals: texts are compared by their bytes.
	principalOrder = "a.principal_kind DESC, COALESCE(e.email_folded, ''), COALESCE(e.name, ''), a.principal_id"
)

func (a *accessReader) resolve(ctx context.Context) error {
	if _, err := latest(ctx, a.view.q, a.Console, a.view.at); err != nil {
		return err
	}
	var err error
	if a.places, err = a.view.places(ctx); err != nil {
		return err
	}
	if a.Principal != "" {
		found, err := a.view.principals(ctx, a.Kind, a.Principal)
		if err != nil {
			return err
		}
		a.principals = map[principalKey]bool{}
		for _, k := range found {
			a.principals[k] = true
		}
	}
	if a.Role != "" {
		if a.roles, err = a.places.rolesNamed(a.Role); err != nil {
			return err
		}
	}
	if a.Scope != "" {
		if a.scopes, err = a.places.scopesNamed(a.Scope); err != nil {
			return err
		}
	}
	return nil
}

// query adds to a statement the conditions on every assignment that may be part of the answer;
// isRelevant and expand check the rest.
func (a *accessReader) query(text string) *query {
	q := a.view.query(text + " WHERE " + a.view.sees("a"))
	if a.Kind != "" {
		q.add(" AND a.principal_kind = %s", string(a.Kind))
	}
	d := a.view.d
	if a.principals != nil {
		ids := []string{}
		for k := range a.principals {
			ids = append(ids, k.id)
		}
		// With both kinds named the database can use the primary key.
		q.add(" AND a.principal_kind IN ('user', 'serviceUser') AND "+d.in("a.principal_id", "%s"), list(d, ids))
	}
	if a.roles != nil {
		q.add(" AND "+d.in("a.role_id", "%s"), list(d, a.roles))
	}
	if a.scopes != nil {
		q.add(" AND "+d.in("a.scope_id", "%s"), list(d, a.scopeIDs()))
	}
	return q
}

// scopeIDs are the ids of the scopes of the query and, with Inherited, of those above.
func (a *accessReader) scopeIDs() []string {
	out := []string{}
	for _, s := range a.scopes {
		out = append(out, s.id)
		if a.Inherited {
			out = append(out, "", a.places.sites[s.id].AccountID)
		}
	}
	return out
}

func (a *accessReader) scan(rows *sql.Rows, more ...any) (AccessRow, error) {
	var r AccessRow
	var since int64
	err := rows.Scan(append([]any{&r.Kind, &r.ID, &r.RoleID, &r.Level, &r.ScopeID, &since}, more...)...)
	r.Since = fromMicros(since)
	r.RoleName, r.Predefined = a.places.roles[r.RoleID].Name, a.places.roles[r.RoleID].Predefined
	r.ScopeName = a.places.scopeName(r.Level, r.ScopeID)
	return r, err
}

// isRelevant says whether an assignment gives a row of the answer.
func (a *accessReader) isRelevant(r AccessRow) bool {
	if a.principals != nil && !a.principals[principalKey{r.Kind, r.ID}] {
		return false
	}
	return a.scopes == nil || slices.ContainsFunc(a.scopes, func(s scopeKey) bool { return a.reaches(r, s) })
}

// addNames fills in the names of the principals. Principals of visible assignments are
// visible, so their last version is the one of the view.
func (a *accessReader) addNames(ctx context.Context, rows []AccessRow) error {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	who, err := a.view.lastNames(ctx, ids)
	for i := range rows {
		p := who[principalKey{rows[i].Kind, rows[i].ID}]
		rows[i].Email, rows[i].Name = p.email, p.name
	}
	return err
}
