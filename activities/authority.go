package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
)

// Authority decides whether a write is covered, with what the store holds. All activities
// that write to the console share one.
type Authority struct {
	store    *store.Store
	console  string
	signers  *signing.AllowedSigners // nil: names are claims
	policy   *policy.Policy          // the worker's present one
	policies sync.Map                // of *policy.Policy by hash; there are as many as there were files
}

// NewAuthority wires the authority for a console. signers is nil where the worker does not
// verify signatures.
func NewAuthority(s *store.Store, console string, signers *signing.AllowedSigners) *Authority {
	return &Authority{store: s, console: console, signers: signers, policy: policy.BuiltIn()}
}

// Following sets the worker's present policy, which says who ends a freeze. Requests are
// judged by the policies that they began with.
func (a *Authority) Following(p *policy.Policy) *Authority {
	a.policy = p
	return a
}

func (a *Authority) judge() authority.Judge {
	return authority.Judge{
		Console: a.console, Signers: a.signers, Policy: a.policyOf, Delegated: a.delegated, Frozen: a.frozen,
		Granted: a.granted, Drifting: a.drifting,
	}
}

// frozen says since when and by whom giving access is frozen; "" if it is not. It is read each
// time: a freeze counts for the next write of every worker.
func (a *Authority) frozen(ctx context.Context) (string, error) {
	state, err := freezeState(ctx, a.store, authority.FreezeRules{
		Console: a.console, Signers: a.signers, Policy: a.policy,
	}, false)
	return state.String(), err
}

// policyOf reads a recorded policy. Its text is hashed again: a database that was changed
// behind our back decides nothing.
func (a *Authority) policyOf(ctx context.Context, hash string) (*policy.Policy, error) {
	if p, found := a.policies.Load(hash); found {
		return p.(*policy.Policy), nil //nolint:forcetypeassert // nothing else is stored
	}
	name, text, err := a.store.PolicyOf(ctx, hash)
	switch {
	case errors.Is(err, store.ErrNoPolicy):
		return nil, authority.ErrNoPolicy
	case err != nil:
		return nil, err
	}
	p, err := policy.Parse(name, text)
	if err != nil {
		return nil, fmt.Errorf("%w: this version cannot read it: %w", authority.ErrNoPolicy, err)
	}
	if p.Hash() != hash {
		return nil, fmt.Errorf("%w: its text has another hash", authority.ErrNoPolicy)
	}
	a.policies.Store(hash, p)
	return p, nil
}

// delegated says why a delegation does not count for a decision at that time: it is not on
// record as one that counts, or a later one had replaced it by then.
func (a *Authority) delegated(ctx context.Context, d access.Delegation, at time.Time) (string, error) {
	entries, err := a.store.LedgerOfSubject(ctx, a.console, ledger.DelegatorSubject(d.By), 0)
	if err != nil {
		return "", err
	}
	if entries, err = genuine(ctx, a.store, entries, false); err != nil {
		return "", err
	}
	var latest *access.Delegation
	for _, e := range entries {
		kept, err := ledger.DecodeAs[ledger.Delegation](e)
		if err != nil {
			return "", err
		}
		if kept.Refusal == "" && access.Fold(kept.Delegation.To) == access.Fold(d.To) && !e.At.After(at) {
			latest = &kept.Delegation
		}
	}
	switch {
	case latest == nil:
		return "the ledger holds no such delegation", nil
	case !latest.At.Equal(d.At) || !latest.Until.Equal(d.Until) || latest.Signature != d.Signature:
		return "it was taken back, or replaced by another one", nil
	}
	return "", nil
}
