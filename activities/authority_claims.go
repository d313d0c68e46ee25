package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/claims"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// Claims brings the claims of the console up to date, with ends as this authority works them out. log
// may be nil.
func (a *Authority) Claims(log claims.Logger) claims.Projector {
	return claims.Projector{Store: a.store, Console: a.console, Judge: a.judge(), Log: log}
}

// CatchUp brings the claims up to date. ctx is an activity's, or comes from [attempt.Outside].
func (a *Authority) CatchUp(ctx context.Context) error {
	if err := a.Claims(attempt.Logger(ctx)).CatchUp(ctx); err != nil {
		return fmt.Errorf("bring the claims of %s up to date: %w", a.console, err)
	}
	return nil
}

// granted names a request in force that has given a role to a principal; "" if none has.
func (a *Authority) granted(ctx context.Context, who access.PrincipalRef, h access.Holding) (string, error) {
	if err := a.Claims(nil).CatchUp(ctx); err != nil {
		return "", err
	}
	all, err := a.store.ClaimsOf(ctx, a.console, ledger.Subject{Kind: who.Kind, ID: who.ID})
	for _, c := range all {
		if c.State == store.ClaimOpen && c.Authorized && c.Holding == h && c.Op != store.ClaimAdopt {
			return c.Request, err
		}
	}
	return "", err
}

// drifting says whether the latest snapshots, and the claims, show that occurrence of drift. [Authority.granted] has
// brought the claims up to date.
func (a *Authority) drifting(ctx context.Context, d ledger.Drift) (found bool, err error) {
	err = a.store.Drift(ctx, store.DriftQuery{
		Console: a.console, Now: time.Now(), Kinds: []drift.Kind{drift.Kind(d.Found)},
		Kind: d.Principal.Kind, Principal: d.Principal.ID,
	}, func(row store.DriftRow) error {
		at := access.Holding{Level: row.Level, RoleID: row.RoleID, ScopeID: row.ScopeID}
		found = found || row.ID == d.Principal.ID && at == d.Holding && row.Since.Equal(d.Since)
		return nil
	})
	_, gone := errors.AsType[*store.NoMatchError](err)
	if gone || errors.Is(err, store.ErrNoSnapshot) {
		return false, nil
	}
	return found, err
}
