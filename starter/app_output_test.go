package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func TestWriteTable_KeepsNamesFromSteeringTheTerminal(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	writeTable(&out, []string{"role"}, [][]string{{"a\x1b[2Jb\nc\u202e"}})
	require.Equal(t, "ROLE\na\\x1b[2Jb c\\u202e\n", out.String())
}

func TestAccessTable_TellsThingsOfOneNameApart(t *testing.T) {
	t.Parallel()
	row := func(id, name, roleID, scopeID string) store.AccessRow {
		return store.AccessRow{
			Kind: access.ServiceUser, ID: id, Name: name, RoleID: roleID, RoleName: "SOC",
			Level: access.SiteLevel, ScopeID: scopeID, ScopeName: "Acme / Berlin", Since: noon,
		}
	}
	table := accessTable(false, false)
	var lines [][]string
	rows := []store.AccessRow{
		row("1", "backup", "21", "31"), row("2", "backup", "22", "31"), row("3", "restore", "21", "31"),
	}
	for _, r := range rows {
		table.note(r)
	}
	for _, r := range rows {
		lines = append(lines, table.cells(r))
	}
	require.Equal(t, []string{"principal", "kind", "role", "level", "scope", "since"}, table.header)
	require.Equal(t, [][]string{
		{"backup (1)", "serviceUser", "SOC (21)", "site", "Acme / Berlin", "2026-03-10 12:00 UTC"},
		{"backup (2)", "serviceUser", "SOC (22)", "site", "Acme / Berlin", "2026-03-10 12:00 UTC"},
		{"restore", "serviceUser", "SOC (21)", "site", "Acme / Berlin", "2026-03-10 12:00 UTC"},
	}, lines)
}

func TestThrough(t *testing.T) {
	t.Parallel()
	require.Empty(t, through(nil))
	require.Equal(t, "tenant", through(&store.Via{Level: access.Tenant}))
	require.Equal(t, "account Acme", through(&store.Via{Level: access.AccountLevel, ScopeID: "1", ScopeName: "Acme"}))
	require.Equal(t, "account 1", through(&store.Via{Level: access.AccountLevel, ScopeID: "1"}))
}

// causes is one sentence that keeps several causes.
type causes []error

func (causes) Error() string     { return "one sentence" }
func (c causes) Unwrap() []error { return c }

func TestFaults(t *testing.T) {
	t.Parallel()
	a, b := errors.New("a"), errors.New("b")
	require.Empty(t, faults(nil))
	require.Equal(t, []error{a, b}, faults(&misuse{errors.Join(a, errors.Join(b))}))
	require.Len(t, faults(&failure{causes{a, b}}), 1)
	require.Len(t, faults(fmt.Errorf("both: %w, %w", a, b)), 1)
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	require.Equal(t, exitDone, exitCode(marked(nil)))
	require.Equal(t, exitFailed, exitCode(marked(errors.New("x"))))
	require.Equal(t, exitUsage, exitCode(marked(usage("x"))))
	require.Equal(t, exitUsage, exitCode(errors.New("cobra's own")))
}
