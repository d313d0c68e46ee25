package export_test

import (
	"encoding/csv"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/export"
)

// csvOf exports one assignment of a user, a role, a site and an account of that name.
func csvOf(t *testing.T, name string) string {
	t.Helper()
	var out strings.Builder
	sink := export.NewCSV(&out)
	require.NoError(t, sink.Account(access.Account{ID: "1", Name: name}))
	require.NoError(t, sink.Site(access.Site{ID: "11", Name: name, AccountID: "1"}))
	require.NoError(t, sink.Role(access.Role{ID: "21", Name: name}))
	require.NoError(t, sink.Principal(access.Principal{Kind: access.User, ID: "31", Name: name, Email: name}))
	require.NoError(t, sink.Assignment(access.Assignment{
		PrincipalKind: access.User, PrincipalID: "31", RoleID: "21", Level: access.SiteLevel, ScopeID: "11",
	}))
	require.NoError(t, sink.Close())
	return out.String()
}

// formula matches a cell that some spreadsheet runs, or that OWASP's lists forbid.
var formula = regexp.MustCompile(`^([\t\r\n\x00]|["\s\p{Z}\p{Cf}\p{Cc}]*[-=+@＝＋－＠﹦﹢﹣﹫⁼⁺₌₊﬩−])`)

var hostileNames = []string{
	"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "\x00x", "\r\n=1",
	"＝1+1", "＋1", "－1", "＠SUM(A1)", "﹦1", "−1",
	" =1", "\u00a0=1", "\u200b=1", "\ufeff=1", "\x01=1", `"=1"`, `""=1`, "\t=1", "\n=1",
	"a;=1", "a,=1", "a\t=1", "a|=1", "a\n=1", "a\r\n=1", "a\r=1", "a; =1", `a;"=1"`, `a";=1`, `a",=1`, "a;b;＝1;c",
	`=1+2";=1+2`, `=1+2'" ;,=1+2`,
}

// No spreadsheet runs anything in an export, whatever it takes for the separator of cells and
// whether it honours quotes inside what it takes for a cell.
func TestCSV_NoCellRuns(t *testing.T) {
	t.Parallel()
	for _, name := range hostileNames {
		text := csvOf(t, name)
		for _, comma := range ",;\t|" {
			r := csv.NewReader(strings.NewReader(text))
			r.Comma, r.FieldsPerRecord, r.LazyQuotes = comma, -1, true
			rows, err := r.ReadAll()
			require.NoError(t, err, "%q", name)
			for _, row := range rows {
				for _, cell := range row {
					require.NotRegexp(t, formula, cell, "%q read with %q", name, comma)
				}
			}
		}
		for _, cell := range regexp.MustCompile("[;\t|\r\n]").Split(text, -1) {
			require.NotRegexp(t, formula, cell, "%q in a reader without quotes", name)
		}
	}
}

// What no spreadsheet runs is exported as it is.
func TestCSV_OrdinaryNamesAreAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"ana@example.com", "SOC - Berlin", "Acme; Berlin", "A+B=C", "Müller, Jörg", "'quoted'", `say "so"`, "日本", "",
	} {
		rows, err := csv.NewReader(strings.NewReader(csvOf(t, name))).ReadAll()
		require.NoError(t, err)
		require.Equal(t, []string{name, name}, rows[1][2:4])
	}
}
