package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
)

// KeepDelegation stores the latest delegation from a delegator to a delegate, for lookups
// by [Store.Delegations]. entry is its number in the ledger: an older entry never replaces
// a newer one, so it is safe to repeat at any time. Once it returns, the delegation is on
// disk: a revoked one must not come back after a crash.
func (s *Store) KeepDelegation(ctx context.Context, entry int64, d access.Delegation) error {
	doc, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode the delegation of %s: %w", d.By, err)
	}
	return s.writeDurably(ctx, func(tx *sql.Tx) error {
		if err := s.d.lockLedger(ctx, tx, d.Console); err != nil {
			return err
		}
		_, err := exec(ctx, tx, "store the delegation of "+d.By,
			`INSERT INTO delegations (console, delegator, delegate, entry, since, until, doc)
			 VALUES ($1, $2, $3, $4, $5, $6, $7)
			 ON CONFLICT (console, delegator, delegate) DO UPDATE SET entry = excluded.entry,
			     since = excluded.since, until = excluded.until, doc = excluded.doc
			 WHERE delegations.entry < excluded.entry`,
			d.Console, asText(access.Fold(d.By)), asText(access.Fold(d.To)), entry, micros(d.At), micros(d.Until),
			string(doc))
		return err
	})
}

// DelegationsQuery selects the delegations of one console that are in force at a time.
// Empty By and To do not filter.
type DelegationsQuery struct {
	Console string
	At      time.Time
	By      []string // delegators; nil: any
	To      string   // delegate
}

// Delegations lists delegations, sorted by delegator and delegate; empty if there are
// none.
func (s *Store) Delegations(ctx context.Context, q DelegationsQuery) ([]access.Delegation, error) {
	out := []access.Delegation{}
	asked := query{args: []any{q.Console, micros(q.At)}}
	asked.add("SELECT doc FROM delegations WHERE console = $1 AND since <= $2 AND until > $2")
	if q.To != "" {
		asked.add(" AND delegate = %s", asText(access.Fold(q.To)))
	}
	if q.By != nil {
		names := make([]string, len(q.By))
		for i, name := range q.By {
			names[i] = asText(access.Fold(name))
		}
		asked.add(" AND "+s.d.in("delegator", "%s"), list(s.d, names))
	}
	asked.add(" ORDER BY delegator, delegate")
	err := forEachRow(ctx, s.r, "read delegations", asked.text.String(), asked.args, func(rows *sql.Rows) error {
		var doc string
		var d access.Delegation
		if err := rows.Scan(&doc); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(doc), &d); err != nil {
			return err
		}
		out = append(out, d)
		return nil
	})
	return out, err
}
