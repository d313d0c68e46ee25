package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/scale"
	"sentinelone-provisioner/internal/store"
)

// SQLite begins with the few rows that a delta sync has found changed, and looks up the others by their keys: its time
// does not grow with the console.
func TestDelta_StatementsBeginWithFewRows(t *testing.T) {
	t.Parallel()
	s := open(t, sqliteURL(t))
	require.NoError(t, scale.Fill(t.Context(), s, acme, "one",
		scale.Size{Accounts: 3, Sites: 50, Roles: 5, Users: 500, ServiceUsers: 100}))
	db := database{t: t, s: s}
	users, kind := string(access.Users), string(access.User)
	for what, c := range map[string]struct {
		statement string
		args      []any
		first     string // the first step
		lookup    string // a later one
	}{
		"gone": {
			store.GoneStatement(),
			[]any{acme, 1, users},
			"SEARCH g USING", "SEARCH e USING INDEX entities_version (console=? AND collection=? AND id=?",
		},
		"pending": {
			store.PendingAssignmentsStatement,
			[]any{acme, users, 1, kind},
			"SEARCH e USING INDEX entities_open (console=? AND collection=? AND since=?)",
			"SEARCH a USING PRIMARY KEY (console=? AND principal_kind=? AND principal_id=?",
		},
		"closing": {
			store.EndClosingStatement,
			[]any{1, users, acme, kind},
			"SEARCH assignments USING PRIMARY KEY (console=? AND principal_kind=? AND principal_id=? AND role_id=? " +
				"AND level=? AND scope_id=? AND since=?)",
			"SEARCH x USING PRIMARY KEY (snapshot_seq=? AND collection=?)",
		},
	} {
		plan := queryPlan(db, "EXPLAIN QUERY PLAN "+c.statement, c.args)
		require.Equal(t, 0, strings.Index(strings.TrimSpace(plan), c.first), "%s:\n%s", what, plan)
		require.Contains(t, plan, c.lookup, what)
	}
}
