package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/drift"
)

// Origin says what an assignment is to us.
type Origin struct {
	Kind    drift.Kind `json:"kind"`
	Request string     `json:"request,omitempty"` // workflow id of the request that gave it; "" for others
	// Until is when a leased one ends, and when an overdue one had to be gone; nil for others.
	Until *time.Time `json:"until,omitempty"`
	// Released says that it was released after the sync that the answer is from had begun.
	Released bool `json:"released,omitempty"`
}

// Origins says of each assignment what it is to us now: by the claims, and by the drift that the last explanation
// found. Ask for some thousands at once, at most.
func (s *Store) Origins(
	ctx context.Context, console string, now time.Time, of []drift.Assignment,
) (map[drift.Assignment]Origin, error) {
	out := make(map[drift.Assignment]Origin, len(of))
	err := s.read(ctx, func(q queryer) error {
		scopes, err := loadDriftScopes(ctx, q, s.d, console)
		if err != nil {
			return err
		}
		ids := make([]string, len(of))
		for i, a := range of {
			ids[i] = a.ID
			out[a] = Origin{Kind: drift.Baseline}
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if err := s.addDriftOrigins(ctx, q, console, ids, out); err != nil {
			return err
		}
		what := "SELECT " + claimColumns + " FROM " + s.d.indexed("claims c", "claims_of_principal") +
			" WHERE console = $1 AND principal_kind IN ('user', 'serviceUser') AND " + s.d.in("principal_id", "$2") +
			" AND " + isGiven + " ORDER BY entry"
		return forEachRow(ctx, q, "read the claims of principals", what, []any{console, list(s.d, ids)},
			func(rows *sql.Rows) error {
				c, err := scanClaim(rows)
				if err == nil {
					scopes.addClaim(c, now, out)
				}
				return err
			})
	})
	return out, err
}

// addDriftOrigins marks what the last explanation could not explain. What is overdue follows from the claims.
func (s *Store) addDriftOrigins(
	ctx context.Context, q queryer, console string, ids []string, out map[drift.Assignment]Origin,
) error {
	return forEachRow(ctx, q, "read the drift of principals",
		`SELECT kind, request, principal_kind, principal_id, level, scope_id, role_id FROM drift
		 WHERE console = $1 AND principal_kind IN ('user', 'serviceUser') AND `+s.d.in("principal_id", "$2")+`
		   AND gone_at IS NULL AND kind IN ('unexplained', 'unauthorized')`,
		[]any{console, list(s.d, ids)}, func(rows *sql.Rows) error {
			var o Origin
			var a drift.Assignment
			err := rows.Scan(&o.Kind, &o.Request, &a.Kind, &a.ID, &a.Level, &a.ScopeID, &a.RoleID)
			if _, asked := out[a]; asked {
				out[a] = o
			}
			return err
		})
}

// addClaim marks the assignment that a claim is about, unless another claim on it holds it for longer.
func (d driftScopes) addClaim(c Claim, now time.Time, out map[drift.Assignment]Origin) {
	a := drift.Assignment{Kind: c.Principal.Kind, ID: c.Principal.ID, Holding: c.Holding}
	have, asked := out[a]
	if !asked || !c.Authorized || c.Op == ClaimLease && c.WasHeld {
		return
	}
	got := Origin{Kind: drift.Granted, Request: c.Request}
	leased := strength(Origin{Kind: drift.Leased})
	switch {
	case c.State == ClaimClosed && d.newer(c.Principal.Kind, c.ClosedAt) && strength(have) < leased:
		got.Kind, got.Until, got.Released = drift.Leased, &c.ClosedAt, true
	case c.State != ClaimOpen:
		return
	case c.Due.IsZero():
	case now.Before(c.Due.Add(OverdueAfter)):
		got.Kind, got.Until = drift.Leased, &c.Due
	default:
		got.Kind, got.Until = drift.Overdue, &c.Due
	}
	if strength(have) <= strength(got) {
		out[a] = got
	}
}

// newer says whether a change at that time may not be shown by the latest snapshot.
func (d driftScopes) newer(k access.Kind, at time.Time) bool {
	for _, s := range d.of {
		if s.kind == k {
			return micros(at) >= s.started-settling.Microseconds()
		}
	}
	return false
}

// strength orders explanations: one that holds the assignment for longer counts.
func strength(o Origin) int {
	switch o.Kind {
	case drift.Granted:
		return 3
	case drift.Leased:
		return 2
	case drift.Overdue:
		return 1
	case drift.Baseline, drift.Unexplained, drift.Missing, drift.Unauthorized:
	}
	return 0
}
