package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
)

// speakFor looks whether somebody who may not decide does so for one who may: whose
// delegation holds when the decision is taken. Delegations do not chain, since those who
// may decide are all that is looked at.
func (r *Request) speakFor(ctx context.Context, in DecideInput, entry *ledger.Decision) error {
	if entry.Refusal == "" || len(in.Delegators) == 0 {
		return nil
	}
	handed, err := r.store.Delegations(ctx, store.DelegationsQuery{
		Console: r.console.Console(), At: in.Decision.At, By: in.Delegators, To: in.Decision.By,
	})
	if err != nil {
		return err
	}
	for _, person := range in.Delegators { // in the order of the workflow
		i := slices.IndexFunc(handed, func(d access.Delegation) bool {
			return access.Fold(d.By) == access.Fold(person)
		})
		if i < 0 {
			continue
		}
		why, err := r.doubtDelegation(handed[i])
		if err != nil {
			return fmt.Errorf("the delegation of %s cannot be checked: %w", person, err)
		}
		if why == nil {
			entry.Refusal, entry.Decision.OnBehalfOf, entry.Decision.Delegation = "", handed[i].By, &handed[i]
			return nil
		}
		entry.Refusal += fmt.Sprintf("; what %s has delegated does not hold: %v", handed[i].By, why)
	}
	return nil
}

// doubtDelegation says why a delegation that was kept does not count now: it was taken
// before signatures were asked for, or its key is revoked. An error means that it cannot
// be told.
func (r *Request) doubtDelegation(d access.Delegation) (why, err error) {
	if r.signers == nil {
		return nil, nil
	}
	_, why = r.signers.HoldsDelegation(d)
	if _, unreadable := errors.AsType[*signing.FileError](why); unreadable {
		return nil, why
	}
	return why, nil
}
