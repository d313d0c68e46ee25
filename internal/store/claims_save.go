package store

import (
	"context"
	"database/sql"
	"fmt"

	"sentinelone-provisioner/internal/ledger"
)

// SaveClaims brings the claims of a console from one entry of the ledger to a later one, in one
// transaction. It says false, and changes nothing, where they are not at From any more: another
// worker has done it.
func (s *Store) SaveClaims(ctx context.Context, console string, u ClaimsUpdate) (saved bool, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		changed := len(u.Runs)+len(u.Lost) > 0
		if saved, err = moveClaimsHead(ctx, tx, console, u.From, u.To, changed); err != nil || !saved {
			return err
		}
		if err := s.replaceClaims(ctx, tx, console, u); err != nil {
			return err
		}
		return s.endClaims(ctx, tx, console, u)
	})
	if err != nil {
		return false, fmt.Errorf("bring the claims of %s up to date: %w", console, err)
	}
	return saved, nil
}

// ResetClaims forgets the claims of a console, which are then made again from the whole ledger. It
// changes nothing where they are not at from any more.
func (s *Store) ResetClaims(ctx context.Context, console string, from ledger.Head) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		moved, err := moveClaimsHead(ctx, tx, console, from, ledger.Head{}, true)
		if err != nil || !moved {
			return err
		}
		_, err = exec(ctx, tx, "forget the claims", "DELETE FROM claims WHERE console = $1", console)
		return err
	})
}

// moveClaimsHead moves the head, if it is still where the caller has found it. It locks the row: two
// workers do not save at once.
func moveClaimsHead(
	ctx context.Context, tx *sql.Tx, console string, from, to ledger.Head, changed bool,
) (moved bool, err error) {
	var n int64
	if from.Seq == 0 {
		n, err = exec(ctx, tx, "begin the claims",
			`INSERT INTO claims_heads (console, seq, hash, version) VALUES ($1, $2, $3, $4)
			 ON CONFLICT (console) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
			     version = claims_heads.version + excluded.version
			 WHERE claims_heads.seq = 0`,
			console, to.Seq, to.Hash, boolToInt(changed))
		return n > 0, err
	}
	n, err = exec(ctx, tx, "move the head of the claims",
		`UPDATE claims_heads SET seq = $4, hash = $5, version = version + $6
		 WHERE console = $1 AND seq = $2 AND hash = $3`,
		console, from.Seq, from.Hash, to.Seq, to.Hash, boolToInt(changed))
	return n > 0, err
}

// replaceClaims replaces the claims of runs.
func (s *Store) replaceClaims(ctx context.Context, tx *sql.Tx, console string, u ClaimsUpdate) error {
	for _, r := range u.Runs {
		_, err := exec(ctx, tx, "replace claims",
			"DELETE FROM "+s.d.indexed("claims", "claims_of_request")+
				" WHERE console = $1 AND request = $2 AND run = $3",
			console, r.Request, r.ID)
		if err != nil {
			return err
		}
	}
	rows := make([][]any, len(u.Claims))
	for i, c := range u.Claims {
		rows[i] = []any{
			console, c.ID, string(c.Op), string(c.Level), c.ScopeID, c.RoleID, c.Request, c.Run,
			string(c.Principal.Kind), c.Principal.ID, string(c.State), c.Entry, int64(boolToInt(c.Proven)),
			int64(boolToInt(c.Authorized)), int64(boolToInt(c.WasHeld)), int64(boolToInt(c.Doubtful)),
			micros(c.Began), microsUnlessZero(c.Due), c.Why, microsUnlessZero(c.ClosedAt),
		}
	}
	const text, number = "text", "bigint"
	return s.d.insert(ctx, tx, bulkInsert{
		what: "add claims",
		into: "claims (console, " + claimColumns + ")",
		types: []string{
			text, text, text, text, text, text, text, text, text, text, text, number, number, number, number, number,
			number, number, text, number,
		},
		conflict: "DO NOTHING",
	}, rows)
}

// endClaims marks leases that have lost their role, and permanent claims that a later change of ours has
// ended.
func (s *Store) endClaims(ctx context.Context, tx *sql.Tx, console string, u ClaimsUpdate) error {
	if len(u.Lost) > 0 {
		_, err := exec(ctx, tx, "mark lost leases",
			"UPDATE claims SET state = 'lost' WHERE console = $1 AND op = 'lease' AND state = 'open' AND "+
				s.d.in("claim", "$2"), console, list(s.d, u.Lost))
		if err != nil {
			return err
		}
	}
	for _, p := range u.Principals {
		_, err := exec(ctx, tx, "end permanent claims",
			`UPDATE `+s.d.indexed("claims", "claims_of_principal")+` SET state = 'superseded'
			 WHERE console = $1 AND principal_kind = $2 AND principal_id = $3 AND state = 'open'
			   AND op IN ('grant', 'create', 'reset', 'downgrade', 'adopt')
			   AND EXISTS (SELECT 1 FROM `+s.d.indexed("claims e", "claims_of_principal")+`
			     WHERE e.console = claims.console AND e.principal_kind = claims.principal_kind
			       AND e.principal_id = claims.principal_id AND e.entry > claims.entry AND e.is_proven = 1
			       AND (e.op = 'delete'
			         OR e.op = 'revoke' AND e.level = claims.level AND e.scope_id = claims.scope_id
			            AND e.role_id = claims.role_id
			         OR e.op IN ('reset', 'downgrade') AND NOT (e.level = claims.level
			            AND e.scope_id = claims.scope_id AND e.role_id = claims.role_id)
			         OR e.op = 'grant' AND (e.level <> claims.level
			            OR e.scope_id = claims.scope_id AND e.role_id <> claims.role_id)))`,
			console, string(p.Kind), p.ID)
		if err != nil {
			return err
		}
	}
	return nil
}
