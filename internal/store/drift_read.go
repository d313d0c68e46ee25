package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
)

// DriftQuery selects the drift of one console. Empty fields do not filter.
type DriftQuery struct {
	Console string
	Now     time.Time // decides what is overdue
	Kinds   []drift.Kind
	// Kind, Principal, Role and Scope are as in [AccessQuery].
	Kind      access.Kind
	Principal string
	Role      string
	Scope     string
	Since     *time.Time // began at or after
	Limit     int        // at most so many rows; 0 for all
}

// DriftRow is one assignment that is drift.
type DriftRow struct {
	Drift      drift.Kind   `json:"drift"`
	Kind       access.Kind  `json:"kind"`
	ID         string       `json:"id"`
	Email      string       `json:"email,omitempty"`
	Name       string       `json:"name"`
	RoleID     string       `json:"roleId"`
	RoleName   string       `json:"roleName"`
	Predefined bool         `json:"predefined"`
	Level      access.Level `json:"level"`
	ScopeID    string       `json:"scopeId,omitempty"`   // "" at tenant level
	ScopeName  string       `json:"scopeName,omitempty"` // "Account / Site" for a site
	AccountID  string       `json:"-"`                   // of the account, or of the one that a site belongs to
	// Since is when it had to be gone, when it was written, or when the sync was that first saw it, or
	// first missed it.
	Since time.Time `json:"since"`
	// FoundAt is when it was first found to be drift; zero if it has not been recorded yet.
	FoundAt time.Time `json:"foundAt,omitzero"`
	Request string    `json:"request,omitempty"` // workflow id of the request that gave it
	// By are the names of those who made the change, as the console's activity feed has them.
	By []string `json:"by,omitempty"`
}

// Drift calls fn with the drift of a console at a time, by kind and age: as the latest snapshots and the claims
// have it, whether or not it was explained since. It holds one row at a time. Names without a match are a
// [*NoMatchError]; without a proven snapshot it is [ErrNoSnapshot].
func (s *Store) Drift(ctx context.Context, q DriftQuery, fn func(DriftRow) error) error {
	return s.read(ctx, func(tx queryer) error {
		v := view{q: tx, d: s.d, console: q.Console, at: math.MaxInt64}
		if _, err := latest(ctx, tx, q.Console, v.at); err != nil {
			return err
		}
		names, err := v.lastPlaces(ctx)
		if err != nil {
			return err
		}
		e, err := loadExplainer(ctx, tx, s.d, q.Console, q.Now)
		if err != nil {
			return err
		}
		asked, err := v.driftQuery(ctx, q, e.scopes, names)
		if err != nil {
			return err
		}
		return forEachRow(ctx, tx, "read the drift", asked.text.String(), asked.args, func(rows *sql.Rows) error {
			row, err := scanDrift(rows, names)
			if err != nil {
				return err
			}
			return fn(row)
		})
	})
}

func scanDrift(row scanner, names places) (DriftRow, error) {
	var r DriftRow
	var since int64
	var found sql.NullInt64
	var email, name, authors sql.NullString
	err := row.Scan(&r.Drift, &r.Request, &r.Kind, &r.ID, &r.Level, &r.ScopeID, &r.RoleID, &since, &found,
		&email, &name, &authors)
	if err != nil {
		return r, err
	}
	r.By, err = authorsOf(authors)
	r.Email, r.Name = email.String, name.String
	r.Since, r.FoundAt = fromMicros(since), timeOrZero(found)
	r.RoleName, r.Predefined = names.roles[r.RoleID].Name, names.roles[r.RoleID].Predefined
	r.ScopeName = names.scopeName(r.Level, r.ScopeID)
	switch r.Level {
	case access.AccountLevel:
		r.AccountID = r.ScopeID
	case access.SiteLevel:
		r.AccountID = names.sites[r.ScopeID].AccountID
	case access.Tenant, access.GroupLevel:
	}
	return r, err
}

// lastVersion is the end of a subquery for a column of the principal of d, as a sync saw it last.
const lastVersion = ` FROM entities n WHERE n.console = $1 AND n.id = d.principal_id AND n.collection =
	CASE d.principal_kind WHEN 'user' THEN 'users' ELSE 'serviceUsers' END ORDER BY n.since DESC LIMIT 1)`

// driftAuthors is a column with the authors of the change that made d drift: of the snapshot that first showed the
// assignment, or of the one that no longer did.
const driftAuthors = `(SELECT w.names FROM assignments b JOIN change_authors w
	ON w.console = $1 AND w.principal_kind = d.principal_kind AND w.principal_id = d.principal_id
	  AND w.snapshot_seq = CASE WHEN d.kind = 'missing' THEN b.until ELSE b.since END
	WHERE b.console = $1 AND b.principal_kind = d.principal_kind AND b.principal_id = d.principal_id
	  AND b.role_id = d.role_id AND b.level = d.level AND b.scope_id = d.scope_id
	ORDER BY w.snapshot_seq DESC LIMIT 1)`

// driftQuery is the statement of Drift.
func (v view) driftQuery(ctx context.Context, q DriftQuery, scopes driftScopes, names places) (*query, error) {
	out := &query{args: []any{q.Console}}
	out.text.WriteString(`SELECT d.kind, d.request, d.principal_kind, d.principal_id, d.level, d.scope_id, d.role_id,
		COALESCE(k.since_at, d.since_at), k.found_at, (SELECT n.email` + lastVersion + `,
		(SELECT n.name` + lastVersion + `, ` + driftAuthors + ` FROM (` + scopes.currentDrift(q.Now) + `) d
		LEFT JOIN drift k ON k.console = $1 AND k.gone_at IS NULL AND k.kind = d.kind
		    AND k.principal_kind = d.principal_kind AND k.principal_id = d.principal_id AND k.level = d.level
		    AND k.scope_id = d.scope_id AND k.role_id = d.role_id WHERE 1 = 1`)
	if q.Kind != "" {
		out.add(" AND d.principal_kind = %s", string(q.Kind))
	}
	if len(q.Kinds) > 0 {
		kinds := make([]string, len(q.Kinds))
		for i, k := range q.Kinds {
			kinds[i] = string(k)
		}
		out.add(" AND "+v.d.in("d.kind", "%s"), list(v.d, kinds))
	}
	if q.Since != nil {
		out.add(" AND COALESCE(k.since_at, d.since_at) >= %s", micros(*q.Since))
	}
	if err := v.filterDrift(ctx, q, names, out); err != nil {
		return nil, err
	}
	out.text.WriteString(" ORDER BY CASE d.kind")
	for i, k := range drift.Drifts() {
		fmt.Fprintf(&out.text, " WHEN '%s' THEN %d", k, i)
	}
	out.text.WriteString(" END, 8, d.principal_kind, d.principal_id, d.scope_id, d.role_id")
	if q.Limit > 0 {
		out.add(" LIMIT %s", int64(q.Limit))
	}
	return out, nil
}

// filterDrift adds the filters by names. Roles, scopes and principals that are gone can be given by id.
func (v view) filterDrift(ctx context.Context, q DriftQuery, names places, out *query) error {
	if q.Principal != "" {
		ids := []string{q.Principal}
		found, err := v.principals(ctx, q.Kind, q.Principal)
		if missing := (*NoMatchError)(nil); errors.As(err, &missing) && isID(q.Principal) {
			err = nil // it was deleted
		}
		if err != nil {
			return err
		}
		for _, k := range found {
			ids = append(ids, k.id)
		}
		out.add(" AND "+v.d.in("d.principal_id", "%s"), list(v.d, ids))
	}
	if q.Role != "" {
		roles, err := names.rolesNamed(q.Role)
		if err != nil {
			return err
		}
		out.add(" AND "+v.d.in("d.role_id", "%s"), list(v.d, roles))
	}
	if q.Scope == "" {
		return nil
	}
	scopes, err := names.scopesNamed(q.Scope)
	if err != nil {
		return err
	}
	out.text.WriteString(" AND (1 = 0")
	for _, s := range scopes {
		out.add(" OR d.level = %s AND d.scope_id = %s", string(s.level), s.id)
	}
	out.text.WriteString(")")
	return nil
}

// isID says whether a text can be an id of the console.
func isID(s string) bool {
	return s != "" && !slices.ContainsFunc([]rune(s), func(r rune) bool { return r < '0' || r > '9' })
}

// DriftSummary is what the last explanation of a console has counted, with what has become overdue since.
type DriftSummary struct {
	At     time.Time    `json:"at,omitzero"` // of the explanation; zero before the first
	Counts drift.Counts `json:"counts"`
	// Behind is how many entries of the ledger the claims have not taken in yet.
	Behind int64 `json:"behind,omitempty"`
}

// DriftSummary reads the last explanation of a console. It costs a few small reads, whatever the size of the
// console; drift that came since is not in it, except for ends that have passed.
func (s *Store) DriftSummary(ctx context.Context, console string, now time.Time) (DriftSummary, error) {
	out := DriftSummary{Counts: drift.Counts{}}
	err := s.read(ctx, func(q queryer) error {
		var at int64
		var counts string
		err := q.QueryRowContext(ctx, "SELECT explained_at, counts FROM explanations WHERE console = $1", console).
			Scan(&at, &counts)
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return fmt.Errorf("read the last explanation of %s: %w", console, err)
		default:
			out.At = fromMicros(at)
			if err := json.Unmarshal([]byte(counts), &out.Counts); err != nil {
				return fmt.Errorf("read the counts of the last explanation of %s: %w", console, err)
			}
		}
		scopes, err := loadDriftScopes(ctx, q, s.d, console)
		if err != nil {
			return err
		}
		out.Counts[drift.Overdue], err = count(ctx, q, "count the overdue claims",
			"SELECT COUNT(*) FROM ("+scopes.overdue(now)+") d", console)
		if err != nil {
			return err
		}
		return q.QueryRowContext(ctx, `SELECT COALESCE((SELECT seq FROM ledger_heads WHERE console = $1), 0)
			- COALESCE((SELECT seq FROM claims_heads WHERE console = $1), 0)`, console).Scan(&out.Behind)
	})
	return out, err
}

// DriftFound lists what an explanation found first, by its number: how many by kind, and at most limit of them with
// their last names. Both are empty if it found nothing, or if all of it was found again later.
func (s *Store) DriftFound(
	ctx context.Context, console string, number int64, limit int,
) (counts drift.Counts, rows []DriftRow, err error) {
	err = s.read(ctx, func(q queryer) error {
		counts, err = countDrift(ctx, q,
			"SELECT kind, COUNT(*) FROM drift WHERE console = $1 AND found_in = $2 GROUP BY kind", console, number)
		if err != nil || len(counts) == 0 {
			return err
		}
		v := view{q: q, d: s.d, console: console, at: math.MaxInt64}
		names, err := v.lastPlaces(ctx)
		if err != nil {
			return err
		}
		return forEachRow(ctx, q, "read the drift that was found", `SELECT d.kind, d.request, d.principal_kind,
				d.principal_id, d.level, d.scope_id, d.role_id, d.since_at, d.found_at, (SELECT n.email`+lastVersion+`,
				(SELECT n.name`+lastVersion+`, `+driftAuthors+`
			FROM drift d WHERE d.console = $1 AND d.found_in = $2
			ORDER BY d.kind, d.since_at, d.principal_kind, d.principal_id, d.scope_id, d.role_id LIMIT $3`,
			[]any{console, number, limit}, func(row *sql.Rows) error {
				r, err := scanDrift(row, names)
				rows = append(rows, r)
				return err
			})
	})
	return counts, rows, err
}
