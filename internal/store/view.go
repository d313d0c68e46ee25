package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"sentinelone-provisioner/internal/access"
)

// view is what readers see of one console at one moment.
type view struct {
	q       queryer
	d       dialect
	console string
	at      int64 // microseconds; the end of time for now
}

// query is a statement under construction, with its arguments.
type query struct {
	text strings.Builder
	args []any
}

// add appends text, in which each %s stands for the next of the values.
func (q *query) add(text string, values ...any) {
	marks := make([]any, len(values))
	for i, v := range values {
		q.args = append(q.args, v)
		marks[i] = fmt.Sprintf("$%d", len(q.args))
	}
	fmt.Fprintf(&q.text, text, marks...)
}

// query begins with the console as $1 and the moment as $2.
func (v view) query(text string) *query {
	q := &query{args: []any{v.console, v.at}}
	q.text.WriteString(text)
	return q
}

// sees is the condition that a row of alias is visible at the view's moment.
func (v view) sees(alias string) string {
	const proven = `(SELECT v.seq FROM snapshots v
		WHERE v.console = $1 AND v.state = 'promoted' AND v.promoted_at <= $2)`
	began := alias + ".console = $1 AND " + alias + ".since IN " + proven + " AND "
	if v.at == math.MaxInt64 { // only promotions close rows, so the partial indexes can be used
		return began + alias + ".until IS NULL"
	}
	return began + "(" + alias + ".until IS NULL OR " + alias + ".until NOT IN " + proven + ")"
}

// entities calls fn with the rows of one collection, sorted by id.
func (v view) entities(
	ctx context.Context, c access.Collection, fn func(doc []byte, lastActive sql.NullInt64) error,
) error {
	q := v.query("SELECT e.doc, e.last_active FROM entities e WHERE " + v.sees("e"))
	q.add(" AND e.collection = %s ORDER BY e.id", string(c))
	return each(ctx, v.q, "read "+string(c), q.text.String(), q.args, func(rows *sql.Rows) error {
		var doc []byte
		var lastActive sql.NullInt64
		if err := rows.Scan(&doc, &lastActive); err != nil {
			return err
		}
		return fn(doc, lastActive)
	})
}

// decoded passes documents on as values.
func decoded[T any](fn func(T) error) func(doc []byte, lastActive sql.NullInt64) error {
	return func(doc []byte, _ sql.NullInt64) error {
		var value T
		if err := json.Unmarshal(doc, &value); err != nil {
			return fmt.Errorf("decode a stored %T: %w", value, err)
		}
		return fn(value)
	}
}

// places are the scopes and roles of a console, by id.
type places struct {
	accounts map[string]access.Account
	sites    map[string]access.Site
	roles    map[string]access.Role
	byParent map[string][]string // account id to the ids of its sites, sorted
}

func (v view) places(ctx context.Context) (places, error) {
	p := places{
		accounts: map[string]access.Account{}, sites: map[string]access.Site{}, roles: map[string]access.Role{},
		byParent: map[string][]string{},
	}
	err := v.entities(ctx, access.Accounts, decoded(func(a access.Account) error {
		p.accounts[a.ID] = a
		return nil
	}))
	if err != nil {
		return p, err
	}
	err = v.entities(ctx, access.Sites, decoded(func(s access.Site) error {
		p.sites[s.ID] = s
		p.byParent[s.AccountID] = append(p.byParent[s.AccountID], s.ID)
		return nil
	}))
	if err != nil {
		return p, err
	}
	return p, v.entities(ctx, access.Roles, decoded(func(r access.Role) error {
		p.roles[r.ID] = r
		return nil
	}))
}

// scopeName is what people call a scope: "Account / Site" for a site.
func (p places) scopeName(level access.Level, id string) string {
	switch level {
	case access.AccountLevel:
		return p.accounts[id].Name
	case access.SiteLevel:
		site, found := p.sites[id]
		if !found {
			return ""
		}
		return p.accountName(site) + " / " + site.Name
	case access.Tenant, access.GroupLevel:
	}
	return ""
}

func (p places) accountName(s access.Site) string {
	if a, found := p.accounts[s.AccountID]; found {
		return a.Name
	}
	return s.AccountName
}
