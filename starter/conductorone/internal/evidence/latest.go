package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// Latest is what the console has shown last of a principal, as far as the database proves it: the read that ends the
// last change, or a proven sync that read it and began later.
type Latest struct {
	// Known is false if neither is there: then nothing is proven.
	Known bool
	Read  access.Read
	// ByChange says that Read is that of a change, and not of a sync.
	ByChange bool
	// Owned says which of the roles are leased, as of the last change of roles; zero before the first.
	Owned access.OwnershipState
}

// Holds reports whether it is proven that the principal had the role.
func (l Latest) Holds(h access.Holding) bool { return l.Known && !l.Read.Gone && l.Read.Holds(h) }

// Lacks reports whether it is proven that the principal did not have the role, and that no lease hides it: a
// time-bound grant replaces another role at its scope, and all roles at other levels, only until it ends.
func (l Latest) Lacks(h access.Holding) bool {
	now := l.Read.Holdings
	switch {
	case !l.Known:
		return false
	case l.Read.Gone:
		return true
	case now.IsBrief() || now.Len() > 0 && now.Level != h.Level || l.Owned.Desired().Holds(h):
		return false
	}
	return !slices.ContainsFunc(now.Held, func(x access.HeldRole) bool { return x.ScopeID == h.ScopeID })
}

// IsLeased reports whether nothing but time-bound requests gives the role, and none of them has that workflow id: it
// ends with them.
func (l Latest) IsLeased(h access.Holding, except string) bool {
	if l.Owned.Baseline.Holds(h) {
		return false
	}
	leased := false
	for _, x := range l.Owned.Leases {
		if x.Holding != h || x.Lost {
			continue
		}
		if ledger.RunOfLease(x.ID).Request == except {
			return false
		}
		leased = true
	}
	return leased
}

// Latest reads what the console has shown last of a principal.
func (r Reader) Latest(ctx context.Context, who access.PrincipalRef) (Latest, error) {
	db, err := r.Store(ctx)
	if err != nil {
		return Latest{}, err
	}
	out, err := changed(ctx, db, r.Console, ledger.Subject{Kind: who.Kind, ID: who.ID})
	if err != nil {
		return Latest{}, fmt.Errorf("cannot read the last change of %s %s from the ledger: %w", who.Kind, who.ID, err)
	}
	synced, err := r.synced(ctx, db, who)
	if err != nil {
		return Latest{}, fmt.Errorf("cannot read %s %s from the last sync: %w", who.Kind, who.ID, err)
	}
	if synced != nil && synced.At.After(out.Read.At) {
		out.Known, out.ByChange, out.Read = true, false, *synced
	}
	return out, nil
}

// changed reads the last change of a principal, and the last one of its roles: that of an account knows nothing of
// leases.
func changed(ctx context.Context, db *store.Store, console string, of ledger.Subject) (Latest, error) {
	var out Latest
	last, found, err := db.LastProofOf(ctx, console, of.String())
	if err != nil || !found {
		return out, err
	}
	done, err := out.add(ctx, db, console, last)
	if err != nil || done {
		return out, err
	}
	entries, err := db.LedgerOfSubject(ctx, console, of.String(), 0)
	if err != nil {
		return out, err
	}
	for _, e := range slices.Backward(entries) {
		if e.Kind != ledger.KindProof {
			continue
		}
		if done, err := out.add(ctx, db, console, e); err != nil || done {
			return out, err
		}
	}
	return out, nil
}

// add adds what a proof says, and reports whether earlier ones add nothing.
func (l *Latest) add(ctx context.Context, db *store.Store, console string, e ledger.Entry) (done bool, err error) {
	body, err := ledger.DecodeAs[ledger.Proof](e)
	if err != nil {
		return false, err
	}
	if reads := body.Proof.Reads; !l.Known && len(reads) > 0 {
		// Without its list, a read has the roles that its change names.
		if err := db.LoadLists(ctx, console, &body.Proof); err != nil && !errors.Is(err, store.ErrNoList) {
			return false, err
		}
		l.Known, l.ByChange, l.Read = true, true, reads[len(reads)-1]
	}
	if body.Roles == nil {
		return false, nil
	}
	l.Owned = body.Roles.Next
	return true, nil
}

// synced is the principal as the last proven syncs show it, at the begin of the one that is known to have read it;
// nil if no sync has proven the principals. A delta sync has not read whom the activity feed does not name, so its time
// proves nothing of them. The time is asked for first: a sync that is promoted meanwhile only makes it too old.
func (r Reader) synced(ctx context.Context, db *store.Store, who access.PrincipalRef) (*access.Read, error) {
	at, err := db.ReadAt(ctx, r.Console, store.PrincipalRef{Kind: who.Kind, ID: who.ID})
	if err != nil || at.IsZero() {
		return nil, err
	}
	last, err := db.Latest(ctx, r.Console, nil)
	if err != nil {
		return nil, err
	}
	pinned, err := db.PinnedTo(ctx, r.Console, last.ID)
	if err != nil {
		return nil, err
	}
	found, err := pinned.Principal(ctx, who.Kind, who.ID)
	if err != nil {
		return nil, err
	}
	out := access.Read{At: at, Holdings: access.Holdings{}.Normal(), Gone: found == nil}
	if found != nil {
		out.Holdings = found.Holdings()
	}
	return &out, nil
}
