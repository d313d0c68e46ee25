package store

// A delta sync receives few rows, so its statements begin with those and look up the others by their keys: their time
// does not grow with the console. Those of a full sync join whole tables, which is faster for many rows. A unary plus
// keeps the planner from an index of all open rows.

// shownOnce is the condition of promoted, looked up for one row.
func (d dialect) shownOnce(alias string) string {
	return "EXISTS (SELECT 1 FROM snapshots v WHERE v.seq = " + alias + ".since AND v.state = 'promoted'" +
		d.each() + ")"
}

// visibleVersion joins the version e that readers see of each id of collection; snapshot is the one that is written.
func (d dialect) visibleVersion(id, collection, snapshot string) string {
	return d.lookUp("e.id, e.row_id", "entities", "e", "e.console = $1 AND e.collection = "+collection+
		" AND e.id = "+id+" AND +e.until IS NULL AND +e.since <> "+snapshot+" AND "+d.shownOnce("e"))
}

// deltaReplaced counts the rows of console $1 and collection $2 of which snapshot $3 has another version.
func (d dialect) deltaReplaced() string {
	return `SELECT COUNT(*) FROM entities p ` + d.visibleVersion("p.id", "$2", "$3") + `
		WHERE p.console = $1 AND p.collection = $2 AND p.since = $3 AND p.until IS NULL`
}

// deltaPending is pendingAssignments.
func (d dialect) deltaPending() string {
	return `SELECT COUNT(*) FROM entities e ` + d.lookUp("a.since", "assignments", "a",
		`a.console = $1 AND a.principal_kind = $4 AND a.principal_id = e.id AND a.since = $3 AND +a.until IS NULL`) + `
		WHERE e.console = $1 AND e.collection = $2 AND e.since = $3 AND e.until IS NULL`
}

// deltaGone is missingRows of collection $3: a delta sync names the rows.
func (d dialect) deltaGone() string {
	return `SELECT e.id FROM gone g ` + d.visibleVersion("g.id", "g.collection", "$2") + `
		WHERE g.snapshot_seq = $2 AND g.collection = $3`
}

// deltaClosedRows are the numbers of the rows of collection $2 that snapshot $3 closes.
func (d dialect) deltaClosedRows() string {
	return `SELECT e.row_id FROM (SELECT g.id FROM gone g WHERE g.snapshot_seq = $3 AND g.collection = $2
			UNION ALL SELECT n.id FROM entities n
			WHERE n.console = $1 AND n.collection = $2 AND n.since = $3 AND n.until IS NULL) k ` +
		d.visibleVersion("k.id", "$2", "$3")
}

// deltaEndClosing is endClosing. SQLite looks up each row by its key anyway; PostgreSQL gets the places where the rows
// are stored, which are what they were while nobody else writes the console's assignments.
func (d dialect) deltaEndClosing() string {
	if !d.postgres {
		return endClosing
	}
	return `UPDATE assignments SET until = $1 WHERE ` + d.inSelected("ctid", `SELECT a.ctid FROM closing x `+
		d.lookUp("a.ctid", "assignments", "a", `a.console = $3 AND a.principal_kind = $4
			AND a.principal_id = x.principal_id AND a.role_id = x.role_id AND a.level = x.level
			AND a.scope_id = x.scope_id AND a.since = x.since AND +a.until IS NULL`)+
		` WHERE x.snapshot_seq = $1 AND x.collection = $2`)
}

// deltaHeldByGone joins the assignments a that readers see of each principal that is gone, of kind $4.
func (d dialect) deltaHeldByGone(columns string) string {
	return `SELECT ` + columns + ` FROM (` + d.deltaGone() + `) m ` + d.lookUp(columns, "assignments", "a",
		`a.console = $1 AND a.principal_kind = $4 AND a.principal_id = m.id AND +a.until IS NULL AND `+d.shownOnce("a"))
}

// deltaCloseHeldByGone ends in snapshot $2 the assignments of principals that are gone.
func (d dialect) deltaCloseHeldByGone() string {
	key := "(console, principal_kind, principal_id, role_id, level, scope_id, since)"
	columns := "a.console, a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id, a.since"
	if d.postgres {
		key, columns = "ctid", "a.ctid"
	}
	return `UPDATE assignments SET until = $2 WHERE ` + d.inSelected(key, d.deltaHeldByGone(columns))
}
