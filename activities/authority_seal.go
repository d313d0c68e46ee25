package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// genuine checks that entries which a write rests on are as a worker wrote them. Where access
// is given, one that is not ends the attempt: it may have been a denial. What ends access goes
// on without it.
func genuine(ctx context.Context, s *store.Store, entries []ledger.Entry, ends bool) ([]ledger.Entry, error) {
	out := make([]ledger.Entry, 0, len(entries))
	for _, e := range entries {
		err := s.VerifySeal(ctx, e)
		switch {
		case err == nil:
			out = append(out, e)
		case !errors.Is(err, ledger.ErrBadSeal):
			return nil, err
		case ends:
			attempt.Logger(ctx).Error("An entry of the ledger does not count", "entry", e.Seq, "error", err)
		default:
			return nil, kinds.New(kinds.Unavailable,
				fmt.Errorf("access is not given on a ledger that was changed: %w", err))
		}
	}
	return out, nil
}

// loadOwnership takes what is known of the principal from its last proof in the ledger.
func (w *changeAttempt) loadOwnership(ctx context.Context) error {
	w.known, w.provenAt = access.OwnershipState{}, 0
	last, found, err := w.lastProof(ctx)
	if err != nil {
		return err
	}
	if found {
		known, err := ownershipIn(ctx, w.store, last, w.principal.String())
		if err != nil {
			err = w.withoutLists(ctx, err)
			known = known.WithoutLists()
		}
		if err != nil {
			return err
		}
		w.known, w.provenAt = known, last.Seq
	}
	w.from = w.known.Digest()
	return nil
}

// lastProof is the last proof of a change of the principal's roles that counts. What ends access passes over one that
// does not, or that cannot be read: without the one before, the leases of the principal would count as baseline, and
// outlive their ends.
func (w *changeAttempt) lastProof(ctx context.Context) (last ledger.Entry, found bool, err error) {
	last, found, err = lastRoleProof(ctx, w.store, w.consoleName, w.principal.String())
	unreadable := err != nil && last.Seq > 0
	if unreadable && !w.endsAccess() || err != nil && !unreadable || err == nil && !found {
		return last, found, err
	}
	if !unreadable {
		if good, err := genuine(ctx, w.store, []ledger.Entry{last}, w.endsAccess()); err != nil || len(good) == 1 {
			return last, true, err
		}
	}
	return w.proofBefore(ctx, last)
}

// proofBefore is the newest proof of a change of the principal's roles that counts, before an entry.
func (w *changeAttempt) proofBefore(ctx context.Context, last ledger.Entry) (ledger.Entry, bool, error) {
	all, err := w.store.LedgerOfSubject(ctx, w.consoleName, w.principal.String(), 0)
	if err != nil {
		return last, false, err
	}
	for _, e := range slices.Backward(all) {
		if e.Kind != ledger.KindProof || e.Seq >= last.Seq {
			continue
		}
		good, err := genuine(ctx, w.store, []ledger.Entry{e}, true)
		if err != nil {
			return e, false, err
		}
		if ofRoles, err := isRoleProof(e); len(good) == 1 && ofRoles && err == nil {
			return e, true, nil
		}
	}
	return last, false, nil
}
