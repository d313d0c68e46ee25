package activities

import (
	"context"
	"errors"
	"fmt"

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
	last, found, err := lastRoleProof(ctx, w.store, w.consoleName, w.principal.String())
	if err != nil {
		return err
	}
	w.known, w.provenAt = access.OwnershipState{}, 0
	if found {
		proofs, err := genuine(ctx, w.store, []ledger.Entry{last}, w.endsAccess())
		if err != nil {
			return err
		}
		if len(proofs) == 1 {
			known, err := ownershipIn(ctx, w.store, last, w.principal.String())
			if err != nil {
				err = w.withoutLists(ctx, err)
				known = known.WithoutLists()
			}
			if err != nil {
				return err
			}
			w.known = known
		}
		w.provenAt = last.Seq
	}
	w.from = w.known.Digest()
	return nil
}
