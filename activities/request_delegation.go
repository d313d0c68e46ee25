package activities

import (
	"context"
	"errors"
	"slices"
	"strings"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/approval"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// findDelegation looks for a delegation by which an ineligible person decides for one who
// is: whose delegation is in force when the decision is taken.
func (r *Request) findDelegation(ctx context.Context, in wire.DecideInput, entry *ledger.Decision) error {
	if entry.Refusal == "" || len(in.Delegators) == 0 {
		return nil
	}
	all, err := r.store.Delegations(ctx, store.DelegationsQuery{
		Console: r.console.Console(), At: in.Decision.At, By: in.Delegators, To: in.Decision.By,
	})
	if err != nil {
		return err
	}
	found, doubts, err := approval.FindDelegation(
		all, in.Delegators, in.Decision.By, in.Decision.At, r.doubtDelegation)
	switch {
	case err != nil:
		return err
	case found != nil:
		entry.Refusal, entry.Decision.OnBehalfOf, entry.Decision.Delegation = "", found.By, found
	default:
		entry.Refusal = strings.Join(append([]string{entry.Refusal}, doubts...), "; ")
	}
	return nil
}

// delegationsTo lists the delegations in force from people whom a plan asks, for its status. Without
// an answer of the store the status has none: a decision looks them up again.
func (r *Request) delegationsTo(ctx context.Context, a access.Approval) []access.Delegation {
	people := slices.Clone(a.EscalateTo)
	for _, step := range a.Steps {
		people = append(people, step.People...)
	}
	if a.Review != nil {
		people = append(people, a.Review.People...)
	}
	if len(people) == 0 {
		return nil
	}
	all, err := r.store.Delegations(ctx, store.DelegationsQuery{
		Console: r.console.Console(), At: r.now(), By: people,
	})
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, func(d access.Delegation) bool {
		why, err := r.doubtDelegation(d)
		return why != nil || err != nil
	})
	return all[:min(len(all), wire.MaxDelegations)]
}

// doubtDelegation says why a delegation that was kept does not count now: it was taken
// before signatures were asked for, or its key is revoked. An error means that it cannot
// be told.
func (r *Request) doubtDelegation(d access.Delegation) (why, err error) {
	if r.signers == nil {
		return nil, nil
	}
	_, why = r.signers.VerifyDelegation(d)
	if _, unreadable := errors.AsType[*signing.FileError](why); unreadable {
		return nil, why
	}
	return why, nil
}
