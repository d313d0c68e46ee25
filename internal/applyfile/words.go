package applyfile

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/timetext"
)

// trim drops what stands around a value and prints nothing: blanks of all kinds, marks that programs
// leave behind.
func trim(value string) string {
	return strings.TrimFunc(value, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || access.Invisible(r)
	})
}

// word makes a value of a fixed set comparable: case, blanks, hyphens and underscores do not count, nor
// does the width of letters.
func word(value string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(unblank(value))
}

// unblank is a value in lower case, without blanks and in plain letters: 4 H is 4h.
func unblank(value string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || access.Invisible(r) {
			return -1
		}
		if r == 'ı' { // LOWER of a spreadsheet in Turkish makes it of I
			return 'i'
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(value))
}

// fold trims every value, and writes those of a fixed set as the documentation does. What is in none
// stays as it is written, for the message.
func (r *Row) fold() {
	for _, column := range columns {
		value := r.field(column)
		*value = trim(*value)
	}
	for column, known := range map[string][]string{
		"action":     {ActionGrant, ActionRevoke},
		"kind":       {string(access.User), string(access.ServiceUser)},
		"level":      {string(access.Tenant), string(access.AccountLevel), string(access.SiteLevel)},
		"breakGlass": {"yes", "no", "true", "false"},
	} {
		value := r.field(column)
		if i := slices.IndexFunc(known, func(k string) bool { return word(k) == word(*value) }); i >= 0 {
			*value = known[i]
		}
	}
	if word(r.Scope) == string(access.Tenant) && (r.Level == "" || r.Level == string(access.Tenant)) {
		r.Scope = string(access.Tenant)
	}
	if d := unblank(r.Duration); d != r.Duration {
		if _, err := timetext.Duration(d); err == nil {
			r.Duration = d
		}
	}
}

// isBlank says that no column has text, as in the rows that spreadsheets leave behind.
func (r *Row) isBlank() bool {
	return !slices.ContainsFunc(columns, func(column string) bool { return *r.field(column) != "" })
}
