package store

import (
	"context"
	"fmt"

	"sentinelone-provisioner/internal/access"
)

// ExplainLosses says of losses of [Store.Assess] how many of their rows the claims explain: assignments that requests
// of ours have ended or replaced since the last proven sync of their principals began, and principals that one has
// deleted since. What a claim in force still gives is explained by nothing. The claims must be up to date: see package
// claims, which leaves out what no worker has written.
func (s *Store) ExplainLosses(ctx context.Context, snapshot string, losses []Loss) ([]Loss, error) {
	ended := map[string]int{}
	err := s.read(ctx, func(q queryer) error {
		snap, err := findSnapshot(ctx, q, snapshot)
		if err != nil {
			return err
		}
		scopes, err := loadDriftScopes(ctx, q, s.d, snap.console)
		if err != nil {
			return err
		}
		for _, of := range scopes.of {
			c := access.Principal{Kind: of.kind}.In()
			if !of.proven() || !assessed(losses, c) {
				continue
			}
			principals, assignments, err := scopes.countEnded(ctx, q, snap, of)
			if err != nil {
				return err
			}
			ended[string(c)] += principals
			ended[Assignments] += assignments
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("hold the losses of snapshot %s against the claims: %w", snapshot, err)
	}
	out := make([]Loss, len(losses))
	for i, l := range losses {
		l.Explained = min(l.Gone, ended[l.What]) // another sync may be promoted meanwhile
		out[i] = l
	}
	return out, nil
}

func assessed(losses []Loss, c access.Collection) bool {
	for _, l := range losses {
		if l.What == string(c) {
			return true
		}
	}
	return false
}

// countEnded counts the principals of one kind, and their assignments, that a snapshot would remove and that claims
// explain.
func (d driftScopes) countEnded(
	ctx context.Context, q queryer, snap snapshotRow, of driftScope,
) (principals, assignments int, err error) {
	err = q.QueryRowContext(ctx,
		`WITH missing AS (`+missingRows("$3")+`), gone AS (
		   SELECT CAST($1 AS TEXT) AS console, CAST($4 AS TEXT) AS principal_kind, x.principal_id, x.role_id, x.level,
		          x.scope_id
		     FROM closing x WHERE x.snapshot_seq = $2 AND x.collection = $3
		   UNION ALL
		   SELECT a.console, a.principal_kind, a.principal_id, a.role_id, a.level, a.scope_id
		     FROM missing m JOIN assignments a ON a.console = $1 AND a.principal_kind = $4 AND a.principal_id = m.id
		    WHERE a.until IS NULL AND `+promoted("a")+`)
		 SELECT (SELECT COUNT(*) FROM missing m WHERE EXISTS (SELECT 1 FROM `+d.claimsBy("c")+`
		           WHERE c.console = $1 AND c.principal_kind = $4 AND c.principal_id = m.id
		             AND c.op = 'delete' AND c.is_proven = 1 AND `+of.endedSince()+d.d.each()+`)),
		        (SELECT COUNT(*) FROM gone g WHERE `+d.isEnded(of)+`)`,
		snap.console, snap.seq, string(access.Principal{Kind: of.kind}.In()), string(of.kind)).
		Scan(&principals, &assignments)
	if err != nil {
		err = fmt.Errorf("count the %ss that claims have ended: %w", of.kind, err)
	}
	return principals, assignments, err
}

// shownFrom is the time, in microseconds since 1970, from which on a change of ours may not be shown by the last
// proven snapshot.
func (s driftScope) shownFrom() string { return fmt.Sprint(s.started - settling.Microseconds()) }

// endedSince is the condition that a request on record has ended what claim c is about since the last proven snapshot.
func (s driftScope) endedSince() string {
	return "c.is_authorized = 1 AND c.state = 'closed' AND c.closed_at >= " + s.shownFrom()
}

// isEnded is the condition that a claim explains why assignment g is gone: the principal was deleted, the role was
// revoked or its lease released, or another role has taken its place. A claim in force on the role says that it should
// be there.
func (d driftScopes) isEnded(of driftScope) string {
	given := "SELECT 1 FROM " + d.claimsBy("o") + " WHERE " + isSameRole("o", "g") + " AND o.state = 'open'"
	const elsewhere = "(c.level <> g.level OR c.scope_id = g.scope_id AND c.role_id <> g.role_id)"
	ended := of.endedSince() + " AND (c.op = 'delete' AND c.is_proven = 1 OR " + isSameRole("c", "g") +
		" AND (c.op = 'revoke' AND c.is_proven = 1 OR c.op = 'lease' AND c.was_held = 0)" +
		" AND NOT EXISTS (" + given + d.d.each() + "))"
	replaced := "c.is_authorized = 1 AND c.is_proven = 1 AND c.began_at >= " + of.shownFrom() +
		" AND (c.op = 'lease' AND c.state = 'open' AND c.was_held = 0 AND " + elsewhere +
		" OR c.op = 'grant' AND c.state IN ('open', 'superseded') AND " + elsewhere +
		" OR c.op IN ('reset', 'downgrade') AND NOT (" + isSameRole("c", "g") + "))" +
		" AND NOT EXISTS (" + given + " AND o.entry > c.entry" + d.d.each() + ")"
	return "EXISTS (SELECT 1 FROM " + d.claimsBy("c") + " WHERE " + fmt.Sprintf(samePrincipal, "c", "g") +
		" AND (" + ended + " OR " + replaced + ")" + d.d.each() + ")"
}
