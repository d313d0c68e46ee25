package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"sentinelone-provisioner/internal/access"
)

// settling is how long before a snapshot a change of ours must be done for the snapshot to show it: the
// console may go on showing what was before for half a minute, and clocks differ.
const settling = time.Minute

// driftScope is what the assignments of one kind of principal are held against.
type driftScope struct {
	kind     access.Kind
	head     collectionHead
	started  int64         // of the snapshot that was proven last, in microseconds since 1970
	promoted int64         // when that was
	baseline sql.NullInt64 // snapshots up to this one show what was there before us
	since    driftSince    // zero: all principals are looked at
}

// proven says whether a snapshot of the collection is proven.
func (d driftScope) proven() bool { return d.head.seq > 0 }

// driftScopes are the scopes of a console.
type driftScopes struct {
	d  dialect
	of [2]driftScope // users, then service users
}

func loadDriftScopes(ctx context.Context, q queryer, d dialect, console string) (out driftScopes, err error) {
	out.d = d
	out.of[0].kind, out.of[1].kind = access.User, access.ServiceUser
	err = forEachRow(ctx, q, "read the collection heads",
		`SELECT h.collection, h.seq, h.version, h.visible, h.held, s.started_at,
		        s.promoted_at
		 FROM collection_heads h JOIN snapshots s ON s.seq = h.seq
		 WHERE h.console = $1 AND h.collection IN ('users', 'serviceUsers')`,
		[]any{console}, func(rows *sql.Rows) error {
			var c access.Collection
			var d driftScope
			err := rows.Scan(&c, &d.head.seq, &d.head.version, &d.head.visible, &d.head.held, &d.started, &d.promoted)
			d.kind = c.PrincipalKind()
			for i := range out.of {
				if out.of[i].kind == d.kind {
					out.of[i] = d
				}
			}
			return err
		})
	return out, err
}

// perKind is an expression that depends on the kind of the principal of a claim c.
func (d driftScopes) perKind(value func(driftScope) int64) string {
	return fmt.Sprintf("(CASE c.principal_kind WHEN 'user' THEN %d ELSE %d END)", value(d.of[0]), value(d.of[1]))
}

// shownSince is the time up to which a change of ours is shown by the latest snapshot, for the kind of
// the principal of a claim c.
func (d driftScopes) shownSince() string {
	return d.perKind(func(s driftScope) int64 { return s.started - settling.Microseconds() })
}

// Conditions on claims c. $1 is the console, as everywhere.
const (
	// isGiven is that it is about a role that the principal is to have.
	isGiven = "c.op IN ('lease', 'grant', 'create', 'reset', 'downgrade')"
	// sameRole is that another claim or an assignment is about the same role of the same principal.
	sameRole = "%[1]s.console = %[2]s.console AND %[1]s.principal_kind = %[2]s.principal_kind" +
		" AND %[1]s.principal_id = %[2]s.principal_id AND %[1]s.role_id = %[2]s.role_id" +
		" AND %[1]s.level = %[2]s.level AND %[1]s.scope_id = %[2]s.scope_id"
	samePrincipal = "%[1]s.console = %[2]s.console AND %[1]s.principal_kind = %[2]s.principal_kind" +
		" AND %[1]s.principal_id = %[2]s.principal_id"
)

// writtenAt is when the entry of the ledger that a claim c is made from was written. It is looked up for each claim: a
// join has PostgreSQL read the whole ledger.
const writtenAt = "(SELECT l.at FROM ledger l WHERE l.console = c.console AND l.seq = c.entry)"

func isSameRole(a, b string) string { return fmt.Sprintf(sameRole, a, b) }

// claimsBy is the table of claims with an alias, found by principal.
func (d driftScopes) claimsBy(alias string) string {
	return d.d.indexed("claims "+alias, "claims_of_principal")
}

// isShown is the condition that readers see the role of a claim c.
func (d driftScopes) isShown() string {
	return "EXISTS (SELECT 1 FROM assignments a WHERE " + isSameRole("a", "c") +
		" AND a.until IS NULL AND " + d.d.shownOnce("a") + d.d.each() + ")"
}

// hides is the condition that a lease h of the same principal hides a role of alias: it stands at the
// same scope, or at another level.
func hides(alias string) string {
	return fmt.Sprintf(samePrincipal, "h", alias) + " AND h.op = 'lease' AND (h.level <> " + alias + ".level" +
		" OR h.scope_id = " + alias + ".scope_id AND h.role_id <> " + alias + ".role_id)"
}

// currentDrift selects all drift of console $1 at a time: kind, claim, request, principal, level, scope, role
// and since_at. Each row is about another assignment or claim.
//
// What it reads of the assignments are those of principals that changed since the baseline, and those that
// claims name: not the whole table.
func (d driftScopes) currentDrift(now time.Time) string {
	parts := []string{d.overdue(now), d.unauthorized(), d.missing(now)}
	for _, s := range d.of {
		if s.proven() && s.baseline.Valid {
			parts = append(parts, d.unexplained(s))
		}
	}
	return strings.Join(parts, "\nUNION ALL\n")
}

const (
	driftColumns = ", c.claim, c.request, c.principal_kind, c.principal_id, c.level, c.scope_id, c.role_id, "
	// inForce is the condition that a claim c gives a role and has not ended.
	inForce = "c.console = $1 AND c.state = 'open' AND " + isGiven
)

// lateAt is the end, in microseconds since 1970, up to which a claim is overdue now.
func lateAt(now time.Time) int64 { return micros(now.Add(-OverdueAfter)) }

// maybeShown is the condition that the role of a claim c is on the console, or that no snapshot can say yet.
func (d driftScopes) maybeShown() string {
	return "(c.began_at >= " + d.shownSince() + " OR " + d.isShown() + ")"
}

// others are the other claims o in force on the role of a claim c.
func (d driftScopes) others() string {
	return "SELECT 1 FROM " + d.claimsBy("o") + " WHERE " + isSameRole("o", "c") + " AND o.state = 'open'"
}

// overdue selects the claims that had to be gone a while ago. A role that another claim holds, or that was
// there before, is there rightly; one that a snapshot does not show is gone, or hidden.
func (d driftScopes) overdue(now time.Time) string {
	late := fmt.Sprint(lateAt(now))
	return "SELECT 'overdue' AS kind" + driftColumns + "c.due_at AS since_at FROM claims c WHERE " + inForce +
		" AND c.due_at IS NOT NULL AND c.due_at <= " + late + " AND c.is_authorized = 1 AND c.was_held = 0" +
		" AND NOT EXISTS (" + d.others() +
		" AND o.op IN ('lease', 'grant', 'create', 'reset', 'downgrade')" +
		" AND (o.due_at IS NULL OR o.due_at > " + late + " OR o.due_at = c.due_at AND o.claim < c.claim" +
		" OR o.due_at < c.due_at)" + d.d.each() + ") AND " + d.maybeShown()
}

// unauthorized selects the claims that no request on record names, the latest per role, and that no rule has adopted
// since.
func (d driftScopes) unauthorized() string {
	return "SELECT 'unauthorized' AS kind" + driftColumns + "c.began_at AS since_at FROM claims c WHERE " + inForce +
		" AND c.is_authorized = 0 AND " + d.maybeShown() +
		" AND NOT EXISTS (" + d.others() +
		" AND (o.op = 'adopt' OR o.is_authorized = 0)" +
		" AND (o.entry > c.entry OR o.entry = c.entry AND o.claim < c.claim)" + d.d.each() + ")"
}

// missing selects the claims in force that the latest snapshot does not show, though it began later, and though
// no lease of ours hides them.
func (d driftScopes) missing(now time.Time) string {
	late := fmt.Sprint(lateAt(now))
	return "SELECT 'missing' AS kind" + driftColumns + d.perKind(func(s driftScope) int64 { return s.started }) +
		" AS since_at FROM claims c WHERE " + inForce +
		" AND c.is_authorized = 1 AND c.is_proven = 1 AND (c.due_at IS NULL OR c.due_at > " + late + ")" +
		" AND c.began_at < " + d.shownSince() + " AND " + writtenAt + " < " + d.shownSince() +
		" AND NOT EXISTS (SELECT 1 FROM " + d.claimsBy("h") + " WHERE " + hides("c") + " AND h.entry > c.entry" +
		" AND (h.state = 'open' OR h.closed_at >= " + d.shownSince() + ")" + d.d.each() + ")" +
		" AND NOT EXISTS (" + d.others() +
		" AND o.is_proven = 1 AND o.is_authorized = 1 AND (o.due_at IS NULL OR o.due_at > " + late + ")" +
		" AND o.claim < c.claim" + d.d.each() + ") AND NOT " + d.isShown()
}

// unexplained selects the assignments of one kind of principal that appeared after the baseline, and that
// nothing of ours explains.
func (d driftScopes) unexplained(s driftScope) string {
	base := fmt.Sprint(s.baseline.Int64)
	return "SELECT 'unexplained' AS kind, '' AS claim, '' AS request, a.principal_kind, a.principal_id, a.level," +
		" a.scope_id, a.role_id, f.promoted_at AS since_at FROM " + d.appeared(s) +
		" AND NOT EXISTS (" + d.ours(s) + d.d.each() + ") AND NOT EXISTS (" + d.before(base) + d.d.each() + ")"
}

// appeared are the assignments a, seen first by snapshot f, of principals that changed since the baseline; after an
// explanation that still holds for the others, of those about whom something may have changed since.
func (d driftScopes) appeared(s driftScope) string {
	if s.since.version > 0 {
		return d.appearedSince(s)
	}
	base := fmt.Sprint(s.baseline.Int64)
	assignments := fmt.Sprintf("a.console = e.console AND a.principal_kind = '%s' AND a.principal_id = e.id"+
		" AND a.until IS NULL AND a.since > %s", s.kind, base)
	entities := fmt.Sprintf("e.console = $1 AND e.collection = '%s' AND e.until IS NULL AND e.since > %s AND %s",
		access.Principal{Kind: s.kind}.In(), base, d.d.shownOnce("e"))
	const seen = "f.seq = a.since AND f.state = 'promoted'"
	if d.d.postgres {
		return "entities e CROSS JOIN LATERAL (SELECT a.* FROM assignments a WHERE " + assignments + " OFFSET 0) a" +
			" JOIN snapshots f ON " + seen + " WHERE " + entities
	}
	return "entities e INDEXED BY entities_open CROSS JOIN assignments a CROSS JOIN snapshots f WHERE " + entities +
		" AND " + assignments + " AND " + seen
}

// ours are the claims that explain assignment a: in force, or ended since the snapshot began.
func (d driftScopes) ours(s driftScope) string {
	shown := fmt.Sprint(s.started - settling.Microseconds())
	return "SELECT 1 FROM " + d.claimsBy("c") + " WHERE " + isSameRole("c", "a") +
		" AND (" + isGiven + " AND c.state = 'open' AND (c.op <> 'lease' OR c.was_held = 0)" +
		" OR c.op <> 'adopt' AND (c.closed_at >= " + shown + " OR c.began_at >= " + shown + ")" +
		" OR c.state IN ('lost', 'superseded') AND EXISTS (SELECT 1 FROM " + d.claimsBy("n") + " WHERE " +
		fmt.Sprintf(samePrincipal, "n", "c") + " AND (n.closed_at >= " + shown + " OR n.began_at >= " + shown + ")" +
		d.d.each() + "))"
}

// before are earlier rows of assignment a that explain it: it was there at the baseline, or when it was adopted, and
// each time that it went since, a lease of ours had replaced it.
func (d driftScopes) before(base string) string {
	adopted := "EXISTS (SELECT 1 FROM " + d.claimsBy("c") + " WHERE " + isSameRole("c", "b") +
		" AND c.op = 'adopt' AND c.state = 'open'" +
		" AND c.began_at >= (SELECT f.promoted_at FROM snapshots f WHERE f.seq = b.since)" + d.d.each() + ")"
	hidden := "EXISTS (SELECT 1 FROM " + d.claimsBy("h") + " WHERE " + hides("x") +
		" AND h.began_at <= t.promoted_at AND (h.closed_at IS NULL OR h.closed_at >= t.started_at)" + d.d.each() + ")"
	return "SELECT 1 FROM assignments b WHERE " + isSameRole("b", "a") + " AND b.since <= a.since" +
		" AND " + d.d.shownOnce("b") + " AND (b.since <= " + base + " OR " + adopted + ")" +
		" AND NOT EXISTS (SELECT 1 FROM assignments x JOIN snapshots t ON t.seq = x.until" +
		" WHERE " + isSameRole("x", "a") + " AND x.since >= b.since AND NOT " + hidden + d.d.each() + ")"
}
