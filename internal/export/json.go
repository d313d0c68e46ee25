package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"sentinelone-provisioner/internal/access"
)

// sections are the arrays of the object, in the order of the output. Renaming one
// breaks programs that read an export.
var sections = []string{"accounts", "sites", "roles", "users", "serviceUsers", "assignments"}

// JSON writes one object with one array per collection and one of assignments, one row
// per line, so that diff can compare two exports. Arrays without rows are empty, never
// null. Its methods fail if a row comes after a later section's rows.
type JSON struct {
	w       *bufio.Writer
	section int // index of the open one; -1 before the first
	rows    int // in the open section
}

// NewJSON returns a writer to w. The object is complete only after [JSON.Close].
func NewJSON(w io.Writer) *JSON { return &JSON{w: bufio.NewWriter(w), section: -1} }

// Account writes a row of "accounts".
func (j *JSON) Account(a access.Account) error {
	return j.row("accounts", account{ID: a.ID, Name: a.Name})
}

// Site writes a row of "sites".
func (j *JSON) Site(s access.Site) error {
	return j.row("sites", site{ID: s.ID, Name: s.Name, AccountID: s.AccountID})
}

// Role writes a row of "roles".
func (j *JSON) Role(r access.Role) error {
	return j.row("roles", role{ID: r.ID, Name: r.Name, Predefined: r.Predefined, Scope: r.Scope})
}

// Principal writes a row of "users" or "serviceUsers".
func (j *JSON) Principal(p access.Principal) error {
	if p.Kind == access.ServiceUser {
		return j.row("serviceUsers", serviceUserOf(p))
	}
	return j.row("users", userOf(p))
}

// Assignment writes a row of "assignments".
func (j *JSON) Assignment(a access.Assignment) error { return j.row("assignments", a) }

// Close writes the rest of the object. It does not close the underlying writer.
func (j *JSON) Close() error {
	if err := j.open(len(sections) - 1); err != nil {
		return err
	}
	if err := j.text("\n]\n}\n"); err != nil {
		return err
	}
	if err := j.w.Flush(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

func (j *JSON) row(section string, value any) error {
	if err := j.open(slices.Index(sections, section)); err != nil {
		return err
	}
	line, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("export a row of %s: %w", section, err)
	}
	separator := ",\n"
	if j.rows == 0 {
		separator = "\n"
	}
	j.rows++
	if err := j.text(separator); err != nil {
		return err
	}
	if _, err := j.w.Write(line); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// open closes sections up to the wanted one and opens it.
func (j *JSON) open(wanted int) error {
	if wanted < j.section {
		return fmt.Errorf("export: a row of %s came after %s", sections[wanted], sections[j.section])
	}
	for j.section < wanted {
		before := "\n],\n"
		if j.section < 0 {
			before = "{\n"
		}
		j.section++
		j.rows = 0
		if err := j.text(fmt.Sprintf("%s%q: [", before, sections[j.section])); err != nil {
			return err
		}
	}
	return nil
}

func (j *JSON) text(s string) error {
	if _, err := j.w.WriteString(s); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}
