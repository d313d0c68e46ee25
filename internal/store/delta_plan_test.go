package store_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/scale"
)

// Both databases begin with the few rows that a delta sync has found changed, and look up the others by their keys: its
// time does not grow with the console. PostgreSQL has no statistics here, as after a first sync.
func TestDelta_StatementsBeginWithFewRows(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		require.NoError(db.t, scale.Fill(db.t.Context(), db.s, acme, "one",
			scale.Size{Accounts: 3, Sites: 50, Roles: 5, Users: 5000, ServiceUsers: 100}))
		users, kind := string(access.Users), string(access.User)
		args := map[string][]any{
			"replaced": {acme, users, 1}, "pending": {acme, users, 1, kind}, "gone": {acme, 1, users},
			"closed rows": {acme, users, 1}, "closing": {1, users, acme, kind},
			"held by gone": {acme, 1, users, kind}, "close held by gone": {acme, 1, users, kind},
		}
		for what, statement := range db.s.DeltaStatements() {
			requireFewRows(db, what, statement, args[what])
		}
	})
}

// Drift is looked for among the principals that have changed since the baseline, and not among all.
func TestExplain_BeginsWithChangedPrincipals(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		d := newDriftScene(db)
		d.sync()
		d.explain()
		statement, err := d.s.DriftStatement(t.Context(), acme, time.Now())
		require.NoError(t, err)
		explain, changed := "EXPLAIN QUERY PLAN ", "entities_open (console=? AND collection=? AND since>?)"
		if onPostgres(db) {
			explain, changed = "EXPLAIN ", "(since > 1)"
		}
		plan := db.plan(explain+statement, []any{acme})
		require.Contains(t, plan, changed)
		require.NotRegexp(t, readsAll, plan)
	})
}

var (
	// byKey is a condition of an index that few rows fulfil.
	byKey = regexp.MustCompile(`\b(id|principal_id|row_id|rowid|since|snapshot_seq|seq)\s*=`)
	// byIndex is a step of a plan that reads rows by the conditions of an index, readsAll one that reads a whole table.
	byIndex  = regexp.MustCompile(`SEARCH .*|Index Cond: .*`)
	readsAll = regexp.MustCompile(`SCAN (e|a|n|p|entities|assignments)\b|Seq Scan on (entities|assignments)\b`)
)

// requireFewRows looks at how a database finds the rows of a statement.
func requireFewRows(db database, what, statement string, args []any) {
	db.t.Helper()
	explain := "EXPLAIN QUERY PLAN "
	if onPostgres(db) {
		explain = "EXPLAIN "
	}
	plan := db.plan(explain+statement, args)
	require.NotRegexp(db.t, readsAll, plan, "%s: %s", what, statement)
	steps := byIndex.FindAllString(plan, -1)
	require.NotEmpty(db.t, steps, "%s:\n%s", what, plan)
	for _, step := range steps {
		require.Regexp(db.t, byKey, step, "%s:\n%s", what, plan)
	}
}

// plan is how the database runs a statement in a transaction of the writer.
func (db database) plan(explain string, args []any) string {
	t := db.t
	t.Helper()
	tx, err := db.s.DB().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	rows, err := tx.QueryContext(t.Context(), explain, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var plan strings.Builder
	for rows.Next() {
		var line string
		columns := []any{new(int), new(int), new(int), &line}
		if onPostgres(db) {
			columns = columns[3:]
		}
		require.NoError(t, rows.Scan(columns...))
		plan.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	return plan.String()
}
