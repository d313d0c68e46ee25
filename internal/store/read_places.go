package store

import (
	"context"
	"database/sql"

	"sentinelone-provisioner/internal/access"
)

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
	err := v.entities(ctx, access.Accounts, decodeDoc(func(a access.Account) error {
		p.accounts[a.ID] = a
		return nil
	}))
	if err != nil {
		return p, err
	}
	err = v.entities(ctx, access.Sites, decodeDoc(func(s access.Site) error {
		p.sites[s.ID] = s
		p.byParent[s.AccountID] = append(p.byParent[s.AccountID], s.ID)
		return nil
	}))
	if err != nil {
		return p, err
	}
	return p, v.entities(ctx, access.Roles, decodeDoc(func(r access.Role) error {
		p.roles[r.ID] = r
		return nil
	}))
}

// scopeName is the display name of a scope, "Account / Site" for a site; "" if unknown
// and for the tenant.
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

// lastPlaces is like places but includes deleted scopes and roles in their last version.
func (v view) lastPlaces(ctx context.Context) (places, error) {
	p := places{
		accounts: map[string]access.Account{}, sites: map[string]access.Site{}, roles: map[string]access.Role{},
	}
	q := v.query(`SELECT e.collection, e.doc FROM entities e
		JOIN snapshots f ON f.seq = e.since AND f.state = 'promoted' AND f.promoted_at <= $2
		WHERE e.console = $1 AND e.collection IN ('accounts', 'sites', 'roles') ORDER BY f.promoted_at`)
	err := forEachRow(ctx, v.q, "read names of scopes and roles", q.text.String(), q.args, func(rows *sql.Rows) error {
		var c access.Collection
		var doc []byte
		if err := rows.Scan(&c, &doc); err != nil {
			return err
		}
		return p.put(c, doc)
	})
	return p, err
}

func (p places) put(c access.Collection, doc []byte) error {
	switch c {
	case access.Accounts:
		return decodeDoc(func(a access.Account) error { p.accounts[a.ID] = a; return nil })(doc, sql.NullInt64{})
	case access.Sites:
		return decodeDoc(func(s access.Site) error { p.sites[s.ID] = s; return nil })(doc, sql.NullInt64{})
	case access.Roles:
		return decodeDoc(func(r access.Role) error { p.roles[r.ID] = r; return nil })(doc, sql.NullInt64{})
	case access.Users, access.ServiceUsers:
	}
	return nil
}
