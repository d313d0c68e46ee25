package store

import (
	"database/sql"
	"encoding/json"
)

// dialect has the differences between the two databases. All other SQL is the same for
// both: SQLite understands $1 as PostgreSQL does.
type dialect struct {
	postgres bool
}

// readOptions makes every statement of a reading transaction see the same state.
// SQLite's write-ahead log does so by itself.
func (d dialect) readOptions() *sql.TxOptions {
	if d.postgres {
		return &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return nil
}

// nowMicros is the database's clock, in microseconds since 1970 UTC. It does not stand
// still during a transaction.
func (d dialect) nowMicros() string {
	if d.postgres {
		return "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint"
	}
	return "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
}

// in is the condition that a text column is one of the list bound to param.
func (d dialect) in(column, param string) string {
	if d.postgres {
		return column + " = ANY(" + param + "::text[])"
	}
	return column + " IN (SELECT value FROM json_each(" + param + "))"
}

// probe selects the rows of a list of ids by one index lookup each. PostgreSQL must be
// forced to do so: without statistics it assumes that the columns before the id match one
// row, and reads a hundred thousand.
func (d dialect) probe(columns, from, where, idColumn, param string) string {
	if d.postgres {
		return "SELECT p.* FROM unnest(" + param + "::text[]) AS k(id) CROSS JOIN LATERAL (SELECT " + columns +
			" FROM " + from + " WHERE " + where + " AND " + idColumn + " = k.id OFFSET 0) p"
	}
	return "SELECT " + columns + " FROM " + from + " WHERE " + where + " AND " + d.in(idColumn, param)
}

// lookUp joins a table to the rows before it by one index lookup for each of them. PostgreSQL must be forced to do so,
// as for probe. where may name the rows before; columns are those of the table that the statement uses.
func (d dialect) lookUp(columns, table, alias, where string) string {
	if d.postgres {
		return "CROSS JOIN LATERAL (SELECT " + columns + " FROM " + table + " " + alias + " WHERE " + where +
			" OFFSET 0) " + alias
	}
	return "CROSS JOIN " + table + " " + alias + " ON " + where
}

// inSelected is the condition that a column is among what a query selects. PostgreSQL runs the query first and looks up
// each value, where it would otherwise join the whole table.
func (d dialect) inSelected(column, query string) string {
	if d.postgres {
		return column + " = ANY (ARRAY(" + query + "))"
	}
	return column + " IN (" + query + ")"
}

// each ends a subquery that is run for each row: one lookup, where PostgreSQL without statistics would make a join and
// read a whole table.
func (d dialect) each() string {
	if d.postgres {
		return " OFFSET 0"
	}
	return ""
}

// indexed is a table with the index that finds its rows. Without statistics, SQLite takes the console for as selective
// as a principal or a request, and would read all rows of the console.
func (d dialect) indexed(table, index string) string {
	if d.postgres {
		return table
	}
	return table + " INDEXED BY " + index
}

// eachPartition is the text around a condition on rows n of entities, to find by index those of any
// partition (see migration 00007) that fulfil it, as e. PostgreSQL must be forced to look into one
// partition after the other, as for probe.
func (d dialect) eachPartition() (begin, end string) {
	if d.postgres {
		return `SELECT e.collection, e.id
			FROM generate_series(0, (SELECT COALESCE(MAX(row_id), 0) >> 13 FROM entities)) p(n)
			CROSS JOIN LATERAL (SELECT n.* FROM entities n WHERE n.row_id >> 13 = p.n AND `, ` OFFSET 0) e`
	}
	return `WITH RECURSIVE p(n) AS (SELECT 0 UNION ALL
			SELECT p.n + 1 FROM p WHERE p.n < (SELECT MAX(row_id) >> 13 FROM entities))
		SELECT e.collection, e.id FROM p CROSS JOIN entities n ON n.row_id >> 13 = p.n AND `,
		` CROSS JOIN entities e ON e.row_id = n.row_id`
}

// inRows is the condition that a row number is one of the list bound to param.
func (d dialect) inRows(column, param string) string {
	if d.postgres {
		return column + " = ANY(" + param + "::bigint[])"
	}
	return column + " IN (SELECT value FROM json_each(" + param + "))"
}

// list binds a list for in and inRows.
func list[T string | int64](d dialect, values []T) any {
	if values == nil {
		values = []T{}
	}
	if d.postgres {
		return values
	}
	b, _ := json.Marshal(values) // strings and integers always encode
	return string(b)
}
