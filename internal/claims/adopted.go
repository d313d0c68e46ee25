package claims

import (
	"context"

	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/store"
)

// addAdoption makes the claim of an entry by which a drift rule has adopted an assignment.
func (p Projector) addAdoption(ctx context.Context, u *store.ClaimsUpdate, key string) error {
	entry, err := p.Store.LedgerEntryByKey(ctx, p.Console, key)
	if err != nil {
		return err
	}
	good, _, err := p.genuine(ctx, []ledger.Entry{entry})
	if err != nil {
		return err
	}
	for _, e := range p.readable(good) {
		body, err := ledger.DecodeAs[ledger.Drift](e)
		if err != nil || body.Action != string(policy.DriftAdopt) {
			continue // not one that is readable, or a revert, which is a request of its own
		}
		run := ledger.Run{Request: string(ledger.KindDrift), ID: body.Occurrence()}
		of := ledger.Subject{Kind: body.Principal.Kind, ID: body.Principal.ID}
		u.Runs = append(u.Runs, run)
		u.Principals = append(u.Principals, of)
		u.Claims = append(u.Claims, store.Claim{
			ID: run.String(), Op: store.ClaimAdopt, Holding: body.Holding, Request: run.Request, Run: run.ID,
			Principal: of, State: store.ClaimOpen, Entry: e.Seq, Proven: true, Authorized: true, Began: e.At,
		})
	}
	return nil
}
