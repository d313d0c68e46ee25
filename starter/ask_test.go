//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/export"
	"sentinelone-provisioner/internal/store"
)

// timeless makes the moment of a sync, which a golden table cannot know, SINCE.
func timeless(out string, at time.Time) string {
	return strings.ReplaceAll(out, describe.Minute(at), "SINCE")
}

func TestAccess_Tables(t *testing.T) {
	f := newFixture(t)
	at := f.sync(host, "s1", scene())
	tests := []struct {
		name string
		args []string
		want string
	}{
		{
			"everything", nil, `
PRINCIPAL        KIND         ROLE   LEVEL    SCOPE          SINCE
ana@example.com  user         Admin  site     Acme / Berlin  SINCE
bob@example.com  user         SOC    account  Acme           SINCE
svc.backup       serviceUser  Admin  tenant                  SINCE
`,
		},
		{
			"a user, in another case", []string{"--user", "ANA@example.com"}, `
PRINCIPAL        KIND  ROLE   LEVEL  SCOPE          SINCE
ana@example.com  user  Admin  site   Acme / Berlin  SINCE
`,
		},
		{
			"a service user", []string{"--service-user", "svc.backup"}, `
PRINCIPAL   KIND         ROLE   LEVEL   SCOPE  SINCE
svc.backup  serviceUser  Admin  tenant         SINCE
`,
		},
		{
			"a role", []string{"--role", "SOC"}, `
PRINCIPAL        KIND  ROLE  LEVEL    SCOPE  SINCE
bob@example.com  user  SOC   account  Acme   SINCE
`,
		},
		{
			"a scope", []string{"--scope", "Acme / Berlin"}, `
PRINCIPAL        KIND  ROLE   LEVEL  SCOPE          SINCE
ana@example.com  user  Admin  site   Acme / Berlin  SINCE
`,
		},
		{
			"the tenant", []string{"--scope", "tenant"}, `
PRINCIPAL   KIND         ROLE   LEVEL   SCOPE  SINCE
svc.backup  serviceUser  Admin  tenant         SINCE
`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, append([]string{"access"}, tt.args...)...)
			require.Equal(t, exitDone, got.code, got.errOut)
			require.Equal(t, tt.want, "\n"+timeless(got.out, at))
			require.Equal(t, host+" as of now: sync verified "+describe.Minute(at)+" (just now)\n", got.errOut)
		})
	}
}

func TestAccess_InheritedSaysThroughWhat(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	got := run(t, "access", "--scope", "Acme / Berlin", "--inherited")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^ana@example.com .* UTC$`, got.out)
	require.Regexp(t, `(?m)^bob@example.com .* account Acme$`, got.out)
	require.Regexp(t, `(?m)^svc.backup .* tenant$`, got.out)
}

func TestAccess_NothingMatches(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	got := run(t, "access", "--user", "ana@example.co")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `error: no user is called "ana@example.co"; did you mean ana@example.com`)

	got = run(t, "access", "--user", "ana@example.com", "--role", "SOC")
	require.Equal(t, exitDone, got.code, "both exist, they do not meet")
	require.Empty(t, got.out)
	require.Contains(t, got.errOut, "no assignment matches")
}

func TestAccess_JSON(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	got := run(t, "access", "--role", "SOC", "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Empty(t, got.errOut)
	answer := decode[accessAnswer](t, got)
	require.Equal(t, host, answer.Console)
	require.Equal(t, "s1", answer.Snapshot)
	require.Nil(t, answer.AsOf)
	require.Len(t, answer.Rows, 1)
	require.Equal(t, "402", answer.Rows[0].ID)

	got = run(t, "access", "--role", "SOC", "--user", "ana@example.com", "-o", "json")
	require.Contains(t, got.out, `"rows": []`)
	require.Contains(t, got.out, `"quarantined": []`)
}

func TestAccess_AsOfIsBeforeTheChange(t *testing.T) {
	f := newFixture(t)
	first := f.sync(host, "s1", scene())
	changed := scene()
	changed[5] = ana("302")
	second := f.sync(host, "s2", changed)

	got := run(t, "access", "--user", "401", "--as-of", first.Format(time.RFC3339Nano), "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	answer := decode[accessAnswer](t, got)
	require.Equal(t, "s1", answer.Snapshot)
	require.Equal(t, "Admin", answer.Rows[0].RoleName)

	answer = decode[accessAnswer](t, run(t, "access", "--user", "401", "-o", "json"))
	require.Equal(t, "s2", answer.Snapshot)
	require.Equal(t, "SOC", answer.Rows[0].RoleName)

	got = run(t, "access", "--as-of", "2020-01-01")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "error: no sync of "+host+" was verified by 2020-01-01 23:59 UTC: the last one is of "+
		describe.Minute(second)+"\n", got.errOut)
}

func TestAccess_SaysThatANewerSyncIsQuarantined(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	f.receive(host, "s2", time.Now(), scene()[:5])
	require.NoError(t, f.db.Quarantine(t.Context(), "s2", []string{"users: 2 of 2 would be gone"}))

	got := run(t, "access", "--user", "ana@example.com")
	require.Equal(t, exitDone, got.code)
	require.Contains(t, got.out, "ana@example.com", "the last good one answers")
	require.Contains(t, got.errOut, "is quarantined and not shown (users: 2 of 2 would be gone)")
	require.Contains(t, got.errOut, "starter confirm")

	answer := decode[accessAnswer](t, run(t, "access", "-o", "json"))
	require.Equal(t, []string{"s2"}, answer.Quarantined)
}

func TestAccess_WhichConsole(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	f.sync("other.example.net", "s2", scene()[:5])

	got := run(t, "access")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.errOut, "--console with one of "+host+", other.example.net")

	for _, name := range []string{"ACMECO.example.net", "https://acmeco.example.net/"} {
		got = run(t, "access", "--console", name, "--user", "ana@example.com")
		require.Equal(t, exitDone, got.code, got.errOut)
	}
	t.Setenv("SENTINELONE_BASE_URL", "https://third.example.net")
	got = run(t, "access")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "no verified sync of third.example.net yet")
	require.Contains(t, got.errOut, "the database holds "+host)
}

func TestChanges(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	changed := scene()
	changed[5] = ana("301", "302")
	changed = changed[:7] // svc.backup is gone
	at := f.sync(host, "s2", changed)

	got := run(t, "changes", "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	answer := decode[changesAnswer](t, got)
	require.Len(t, answer.Changes, 5, "3 appeared with the first sync")

	byNow := map[string]string{}
	for _, c := range answer.Changes {
		if c.At.Equal(at) {
			byNow[c.Action] = c.RoleName + " " + c.Name
		}
	}
	require.Equal(t, map[string]string{store.Added: "SOC Ana", store.Removed: "Admin svc.backup"}, byNow)

	got = run(t, "changes", "--since", "1h")
	require.Contains(t, got.errOut, "5 changes from ")
	require.Regexp(t, `(?m)^WHEN +CHANGE +PRINCIPAL +KIND +ROLE +LEVEL +SCOPE +BY$`, got.out)
	require.Regexp(t, `(?m) removed +svc.backup +serviceUser +Admin +tenant$`, got.out)

	got = run(t, "changes", "--since", "2020-01-01", "--until", "2020-12-31")
	require.Equal(t, exitDone, got.code)
	require.Empty(t, got.out)
	require.Contains(t, got.errOut, "0 changes from 2020-01-01 00:00 UTC to 2020-12-31 23:59 UTC")
}

func TestExport_JSONIsTheSameBytesForTheSameState(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	first := run(t, "export")
	require.Equal(t, exitDone, first.code, first.errOut)
	f.sync(host, "s2", scene())
	require.Equal(t, first.out, run(t, "export", "--format", "json").out)

	var got struct {
		Accounts     []map[string]any    `json:"accounts"`
		Sites        []map[string]any    `json:"sites"`
		Roles        []map[string]any    `json:"roles"`
		Users        []map[string]any    `json:"users"`
		ServiceUsers []map[string]any    `json:"serviceUsers"`
		Assignments  []access.Assignment `json:"assignments"`
	}
	require.NoError(t, json.Unmarshal([]byte(first.out), &got))
	require.Len(t, got.Accounts, 1)
	require.Len(t, got.Sites, 2)
	require.Len(t, got.Roles, 2)
	require.Len(t, got.Users, 2)
	require.Len(t, got.ServiceUsers, 1)
	require.ElementsMatch(t, []access.Assignment{
		{PrincipalKind: access.User, PrincipalID: "401", RoleID: "301", Level: access.SiteLevel, ScopeID: "201"},
		{PrincipalKind: access.User, PrincipalID: "402", RoleID: "302", Level: access.AccountLevel, ScopeID: "100"},
		{PrincipalKind: access.ServiceUser, PrincipalID: "501", RoleID: "301", Level: access.Tenant},
	}, got.Assignments)
}

func TestExport_ToAFile(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	dir := t.TempDir()
	path := filepath.Join(dir, "access.csv")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
	got := run(t, "export", "--format", "csv", "--out", path)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Empty(t, got.out)
	require.Contains(t, got.errOut, "wrote "+path)

	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), "\nuser,401,ana@example.com,Ana,301,Admin,true,site,201,Berlin,100,Acme\n")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no neighbour is left behind")

	got = run(t, "export", "--out", filepath.Join(dir, "missing", "x.json"))
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "error: cannot write ")
}

// What stands in a file is text to a spreadsheet, also a name that another person gave a site.
func TestExport_ToAFile_NamesAreNoFormulas(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", append(
		scene(),
		access.Site{ID: "203", Name: "=1+1", AccountID: "100", AccountName: "Acme"},
		access.Site{ID: "204", Name: "＠SUM(1)", AccountID: "100", AccountName: "Acme"},
		access.Principal{
			Kind: access.User, ID: "403", Email: "carol@example.com", Name: "Carol", Level: access.SiteLevel,
			Held: []access.HeldRole{{RoleID: "301", ScopeID: "203"}, {RoleID: "301", ScopeID: "204"}},
		},
	))
	path := filepath.Join(t.TempDir(), "access.csv")
	got := run(t, "export", "--format", "csv", "--out", path)
	require.Equal(t, exitDone, got.code, got.errOut)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	require.NoError(t, err)
	var names []string
	for _, row := range rows {
		if row[1] == "403" {
			names = append(names, row[slices.Index(rows[0], "scope_name")])
		}
	}
	require.Equal(t, []string{"'=1+1", "'＠SUM(1)"}, names)
	require.Equal(t, 2, strings.Count(string(data), ",'"), "and no other cell is changed")
}

func TestExport_Workbook(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	path := filepath.Join(t.TempDir(), "access.xlsx")
	got := run(t, "export", "--format", "xlsx", "--out", path)
	require.Equal(t, exitDone, got.code, got.errOut)
	book, err := excelize.OpenFile(path)
	require.NoError(t, err)
	defer func() { _ = book.Close() }()
	rows, err := book.GetRows("assignments")
	require.NoError(t, err)
	require.Equal(t, export.Columns(), rows[0])
	require.Contains(t, rows, []string{
		"user", "401", "ana@example.com", "Ana", "301", "Admin", "true", "site", "201", "Berlin", "100", "Acme",
	})
	piped := run(t, "export", "--format", "xlsx")
	require.Equal(t, exitDone, piped.code)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(data), piped.out)

	person, tty, err := pty.Open()
	require.NoError(t, err)
	defer func() { _ = person.Close() }()
	defer func() { _ = tty.Close() }()
	var errOut bytes.Buffer
	require.Equal(t, exitUsage, Main(t.Context(), []string{"export", "--format", "xlsx"}, tty, &errOut))
	require.Equal(t, "error: --format xlsx is no text for a terminal: name a file with --out\n", errOut.String())

	got = run(t, "export", "--format", "xls")
	require.Equal(t, exitUsage, got.code)
	require.Equal(t, "error: --format: unknown format \"xls\": use json or csv, or xlsx for spreadsheets\n", got.errOut)
}

func TestCheck_TellsOfTheLastSync(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	p := &app{now: time.Now}
	p.cfg.Store.URL = os.Getenv("DATABASE_URL")
	require.Contains(t, checkDatabase(t.Context(), p, host).Detail, "last verified sync ")

	none := checkDatabase(t.Context(), p, "third.example.net")
	require.True(t, none.OK)
	require.Equal(t, "no verified sync of third.example.net yet", none.Detail)
}

// A deleted site has answers, and is not offered; a name that ends in a blank is offered as it can be typed.
func TestAccess_OffersWhatCanBeTyped(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", append(scene(),
		access.Site{ID: "298", Name: "Paris", AccountID: "100", State: "deleted"},
		access.Site{ID: "299", Name: "Parim ", AccountID: "100", State: "active"}))
	got := run(t, "access", "--scope", "Acme / Paril")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `did you mean "Acme / Parim "?`)
	for _, typed := range []string{`"Acme / Parim "`, "Acme / Parim", "Acme / Paris"} {
		require.Equal(t, exitDone, run(t, "access", "--scope", typed).code, typed)
	}
}
