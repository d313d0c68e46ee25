package requestrecord

import (
	"context"
	"errors"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
)

// loadLists brings the long lists of roles back, of which the ledger's entries and Temporal have number
// and digest only. A list that is not there as it was is named in [Record.LedgerErr].
func (r *Record) loadLists(ctx context.Context, s *store.Store, console string) {
	if s == nil {
		return
	}
	all := r.listings()
	if err := s.LoadLists(ctx, console, all...); err != nil {
		r.LedgerErr = errors.Join(r.LedgerErr, err)
	}
	for _, x := range all {
		x.Lists(func(h *access.Holdings) {
			if h.IsLong() {
				*h = h.Listed()
			}
		})
	}
}

// listings are the parts of the record that are shown and have lists of roles.
func (r *Record) listings() []store.Listing {
	var out []store.Listing
	if r.Plan != nil {
		out = append(out, r.Plan)
	}
	if r.Receipt != nil {
		out = append(out, r.Receipt)
	}
	for i := range r.Proofs {
		out = append(out, &r.Proofs[i])
	}
	if r.Status != nil && r.Status.Plan != nil {
		out = append(out, r.Status.Plan)
	}
	return out
}
