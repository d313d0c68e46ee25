package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// ReleaseOverdue releases what a run of a request has given, if it had to be gone that long ago. It needs no Temporal:
// what is due and what was given are the ledger's. The code is that of [Principal.Write], under the same key as the
// release of the request, so that a request that is still alive finds the proof. ctx comes from [attempt.Outside].
//
// released is false where nothing is overdue, as after the request has released it itself. An error is about this
// attempt: it is tried again.
func (p *Principal) ReleaseOverdue(
	ctx context.Context, run ledger.Run, after time.Duration,
) (released bool, err error) {
	record, err := p.recordOf(ctx, run)
	if err != nil {
		return false, err
	}
	claim, found := p.authority.judge().Claim(ctx, record)
	if !found || claim.Released || claim.Due.IsZero() || p.now().Before(claim.Due.Add(after)) {
		return false, nil
	}
	in, who := releaseOf(p.console.Console(), record), record.Plan.Plan.Principal
	_, err = p.write(ctx, in, &ledger.Overdue{
		Change: in.Change.Key, Principal: access.PrincipalRef{Kind: who.Kind, ID: who.ID}, Due: claim.Due,
		Why: string(claim.Why),
	})
	if errors.Is(err, errNotOverdue) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if record, err = p.recordOf(ctx, run); err != nil {
		return false, err
	}
	return record.Overdue != nil, nil
}

// errNotOverdue is why the system does not release after all: until it had the lock, the end has moved, as by an
// extension, or the access has become permanent.
var errNotOverdue = kinds.New(kinds.Conflict, errors.New("the access is not overdue any more"))

// ConfirmRelease reads once more, some time after [Principal.ReleaseOverdue], what a run of a request had given, and
// records it. done is false while another read is needed: a role that is shown again is either an old answer, or was
// given again by hand.
func (p *Principal) ConfirmRelease(ctx context.Context, run ledger.Run) (done bool, err error) {
	record, err := p.recordOf(ctx, run)
	if err != nil {
		return false, err
	}
	if done, found := confirmed(record); done || !found {
		return true, nil
	}
	in := releaseOf(p.console.Console(), record)
	if _, err := p.readAgain(ctx, wire.ConfirmInput{
		Writer: in.Writer, Key: in.Change.Key, Request: in.Change.Request,
	}); err != nil {
		return false, err
	}
	if record, err = p.recordOf(ctx, run); err != nil {
		return false, err
	}
	done, _ = confirmed(record)
	return done, nil
}

// Unconfirmed says whether the system has released what a run of a request gave, and no later read confirms it yet.
func (p *Principal) Unconfirmed(ctx context.Context, run ledger.Run) (bool, error) {
	record, err := p.recordOf(ctx, run)
	if err != nil || record.Overdue == nil {
		return false, err
	}
	done, found := confirmed(record)
	return found && !done, nil
}

// confirmed says whether the reads on record settle what became of a release.
func confirmed(r authority.Record) (done, found bool) {
	key := access.ChangeKey(r.Run.String(), access.OpRelease)
	for _, proof := range r.Evidence() {
		if proof.Key == key {
			return proof.Confirmed || proof.Outcome != access.Released && proof.Outcome != access.Deleted, true
		}
	}
	return false, false
}

// recordOf is what the ledger has of a run of a request. Entries that do not count hold up no end.
func (p *Principal) recordOf(ctx context.Context, run ledger.Run) (authority.Record, error) {
	entries, err := p.store.LedgerOf(ctx, p.console.Console(), run.Request)
	if err != nil {
		return authority.Record{}, err
	}
	if entries, err = genuine(ctx, p.store, entries, true); err != nil {
		return authority.Record{}, err
	}
	record, err := authority.RecordOf(entries, run)
	if err != nil {
		return authority.Record{}, fmt.Errorf("read what the ledger has of %s: %w", run, err)
	}
	return record, nil
}

// releaseOf is the release of what a run of a request has given. The rest of the change is the ledger's.
func releaseOf(console string, r authority.Record) wire.WriteInput {
	lease, who := r.Run.String(), r.Plan.Plan.Principal
	return wire.WriteInput{
		Writer: wire.WriterStart{Console: console, Kind: who.Kind, ID: who.ID},
		Change: wire.ChangeRequest{
			Key: access.ChangeKey(lease, access.OpRelease), Request: r.Run.Request,
			Change: access.Change{Op: access.OpRelease, Lease: access.Lease{ID: lease}},
		},
	}
}
