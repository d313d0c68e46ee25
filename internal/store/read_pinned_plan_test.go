package store_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/scale"
	"sentinelone-provisioner/internal/store"
)

// Both databases read a page by following an index from the key on: a page of a console of any size costs the same.
// PostgreSQL has no statistics here, as after a first sync.
func TestPinned_PagesFollowAnIndex(t *testing.T) {
	t.Parallel()
	onBoth(t, func(db database) {
		t := db.t
		require.NoError(t, scale.Fill(t.Context(), db.s, acme, "one",
			scale.Size{Accounts: 3, Sites: 50, Roles: 5, Users: 500, ServiceUsers: 100}))
		p := pinned(t, db.s, "one")
		after := access.Assignment{PrincipalKind: access.User, PrincipalID: scale.ID(access.Users, 3)}
		for what, c := range map[string]struct {
			index string
			key   string // in the order of the index, as SQLite shows it
			read  func(ctx context.Context) error
		}{
			"users": {"entities_version", "collection=? AND id>?", func(ctx context.Context) error {
				_, err := p.Principals(ctx, access.User, after.PrincipalID, 10)
				return err
			}},
			"assignments": {
				"assignments_pkey", "(principal_kind,principal_id,role_id,level,scope_id)>",
				func(ctx context.Context) error {
					_, err := p.Assignments(ctx, after, 10)
					return err
				},
			},
			"members": {"assignments_pkey", "(principal_kind,principal_id)>", func(ctx context.Context) error {
				_, err := p.Members(ctx, access.SiteLevel, after, 1)
				return err
			}},
			"levels": {
				"assignments_pkey", "(principal_kind,principal_id,role_id,level)>",
				func(ctx context.Context) error {
					_, err := p.RoleLevels(ctx, after, 10)
					return err
				},
			},
		} {
			var plan string
			p.Record(func(statement string, args []any) {
				if onPostgres(db) {
					plan = planOf(t, db, statement, args)
				} else {
					plan = queryPlan(db, "EXPLAIN QUERY PLAN "+statement, args)
				}
			})
			require.NoError(t, c.read(t.Context()), what)
			if onPostgres(db) {
				require.Contains(t, plan, c.index, what)
				require.NotContains(t, plan, "Seq Scan", what)
			} else {
				require.Contains(t, plan, c.key, what)
				require.NotContains(t, plan, "TEMP B-TREE FOR ORDER BY", what)
			}
			if onPostgres(db) && what != "members" { // whose scopes are sorted for each principal
				require.NotContains(t, plan, "Sort  (", what)
			}
		}
	})
}

// planOf is the plan of PostgreSQL in a transaction of the reader's kind.
func planOf(t *testing.T, db database, statement string, args []any) string {
	t.Helper()
	tx, err := db.s.DB().BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	require.NoError(t, tx.QueryRowContext(t.Context(), store.FollowIndexStatement).Scan(new(int)))
	rows, err := tx.QueryContext(t.Context(), "EXPLAIN "+statement, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var plan strings.Builder
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	return plan.String()
}
