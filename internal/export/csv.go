package export

import (
	"encoding/csv"
	"fmt"
	"io"
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

// CSV writes one flat table of assignments for a spreadsheet. It puts an apostrophe in
// front of what a spreadsheet would run as a formula. Call its methods in the
// store's order: names before assignments.
type CSV struct {
	w          *csv.Writer
	header     bool
	accounts   map[string]string // name by id
	sites      map[string]csvSite
	roles      map[string]csvRole
	principals map[principalKey]person
}

type principalKey struct {
	kind access.Kind
	id   string
}

type person struct{ email, name string }

type csvSite struct{ name, accountID, accountName string }

type csvRole struct {
	name       string
	predefined bool
}

// NewCSV returns a writer to w. The table is complete only after [CSV.Close].
func NewCSV(w io.Writer) *CSV {
	return &CSV{
		w:          csv.NewWriter(w),
		accounts:   map[string]string{},
		sites:      map[string]csvSite{},
		roles:      map[string]csvRole{},
		principals: map[principalKey]person{},
	}
}

// Account stores the name for later rows.
func (c *CSV) Account(a access.Account) error {
	c.accounts[a.ID] = a.Name
	return nil
}

// Site stores the name for later rows.
func (c *CSV) Site(s access.Site) error {
	c.sites[s.ID] = csvSite{name: s.Name, accountID: s.AccountID, accountName: s.AccountName}
	return nil
}

// Role stores the name for later rows.
func (c *CSV) Role(r access.Role) error {
	c.roles[r.ID] = csvRole{name: r.Name, predefined: r.Predefined}
	return nil
}

// Principal stores the names for the rows of [CSV.Assignment].
func (c *CSV) Principal(p access.Principal) error {
	c.principals[principalKey{p.Kind, p.ID}] = person{email: p.Email, name: p.Name}
	return nil
}

// Assignment writes one row of a principal whose names are stored.
func (c *CSV) Assignment(a access.Assignment) error {
	who := c.principals[principalKey{a.PrincipalKind, a.PrincipalID}]
	return c.NamedAssignment(a, who.email, who.name)
}

// NamedAssignment writes one row with the names of its principal. The store calls it in the place of
// the two methods above, so that a million names are not kept.
func (c *CSV) NamedAssignment(a access.Assignment, email, name string) error {
	if err := c.start(); err != nil {
		return err
	}
	r, known := c.roles[a.RoleID]
	predefined := ""
	if known {
		predefined = strconv.FormatBool(r.predefined)
	}
	accountID, accountName, scopeName := c.place(a)
	return c.write([]string{
		string(a.PrincipalKind), a.PrincipalID, email, name,
		a.RoleID, r.name, predefined,
		string(a.Level), a.ScopeID, scopeName, accountID, accountName,
	})
}

// Close writes the buffered rows. It does not close the underlying writer.
func (c *CSV) Close() error {
	if err := c.start(); err != nil {
		return err
	}
	c.w.Flush()
	if err := c.w.Error(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

func (c *CSV) place(a access.Assignment) (accountID, accountName, scopeName string) {
	switch a.Level {
	case access.AccountLevel:
		name := c.accounts[a.ScopeID]
		return a.ScopeID, name, name
	case access.SiteLevel:
		s := c.sites[a.ScopeID]
		accountName = c.accounts[s.accountID]
		if accountName == "" {
			accountName = s.accountName
		}
		return s.accountID, accountName, s.name
	case access.Tenant, access.GroupLevel:
	}
	return "", "", ""
}

func (c *CSV) start() error {
	if c.header {
		return nil
	}
	c.header = true
	return c.write(Columns())
}

func (c *CSV) write(cells []string) error {
	for i, cell := range cells {
		cells[i] = inert(cell)
	}
	if err := c.w.Write(cells); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}
