package export

import (
	"strconv"

	"sentinelone-provisioner/internal/access"
)

// Columns returns the header of a CSV export. Each row is one assignment with the names
// of principal, role, scope and account. At tenant level scope and account are empty; at
// account level the account is the scope. A name that was never synced is empty.
func Columns() []string {
	return []string{
		"principal_kind", "principal_id", "principal_email", "principal_name",
		"role_id", "role_name", "role_predefined",
		"level", "scope_id", "scope_name", "account_id", "account_name",
	}
}

// flat joins assignments with the names that came before them: the rows of CSV and of XLSX.
type flat struct {
	write      func(cells []string) error // takes a row of [Columns]
	accounts   map[string]string          // name by id
	sites      map[string]flatSite
	roles      map[string]flatRole
	principals map[principalKey]person
}

type principalKey struct {
	kind access.Kind
	id   string
}

type person struct{ email, name string }

type flatSite struct{ name, accountID, accountName string }

type flatRole struct {
	name       string
	predefined bool
}

func newFlat(write func(cells []string) error) flat {
	return flat{
		write:      write,
		accounts:   map[string]string{},
		sites:      map[string]flatSite{},
		roles:      map[string]flatRole{},
		principals: map[principalKey]person{},
	}
}

// Account stores the name for later rows.
func (f *flat) Account(a access.Account) error {
	f.accounts[a.ID] = a.Name
	return nil
}

// Site stores the name for later rows.
func (f *flat) Site(s access.Site) error {
	f.sites[s.ID] = flatSite{name: s.Name, accountID: s.AccountID, accountName: s.AccountName}
	return nil
}

// Role stores the name for later rows.
func (f *flat) Role(r access.Role) error {
	f.roles[r.ID] = flatRole{name: r.Name, predefined: r.Predefined}
	return nil
}

// Principal stores the names for the rows of Assignment.
func (f *flat) Principal(p access.Principal) error {
	f.principals[principalKey{p.Kind, p.ID}] = person{email: p.Email, name: p.Name}
	return nil
}

// Assignment writes one row of a principal whose names are stored.
func (f *flat) Assignment(a access.Assignment) error {
	who := f.principals[principalKey{a.PrincipalKind, a.PrincipalID}]
	return f.NamedAssignment(a, who.email, who.name)
}

// NamedAssignment writes one row with the names of its principal. The store calls it in the place of
// the two methods above, so that a million names are not kept.
func (f *flat) NamedAssignment(a access.Assignment, email, name string) error {
	r, known := f.roles[a.RoleID]
	predefined := ""
	if known {
		predefined = strconv.FormatBool(r.predefined)
	}
	accountID, accountName, scopeName := f.place(a)
	return f.write([]string{
		string(a.PrincipalKind), a.PrincipalID, email, name,
		a.RoleID, r.name, predefined,
		string(a.Level), a.ScopeID, scopeName, accountID, accountName,
	})
}

func (f *flat) place(a access.Assignment) (accountID, accountName, scopeName string) {
	switch a.Level {
	case access.AccountLevel:
		name := f.accounts[a.ScopeID]
		return a.ScopeID, name, name
	case access.SiteLevel:
		s := f.sites[a.ScopeID]
		accountName = f.accounts[s.accountID]
		if accountName == "" {
			accountName = s.accountName
		}
		return s.accountID, accountName, s.name
	case access.Tenant, access.GroupLevel:
	}
	return "", "", ""
}
