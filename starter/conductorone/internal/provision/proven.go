package provision

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/starter/conductorone/internal/evidence"
)

// isProvenHeld reports whether a role that a dry run has found, or not, is held for good. A dry run's answer comes
// from Temporal, and the ledger has nothing of it: only what ledger or last sync show counts, and the request itself
// proves anything else. A role that is only leased, by another request, ends with that: ConductorOne requests it for
// good.
func (p *Provisioner) isProvenHeld(ctx context.Context, t target, found bool) (bool, error) {
	if !found {
		return false, nil
	}
	last, err := p.o.Ledger.Latest(ctx, t.principal)
	if err != nil {
		return false, err
	}
	return last.Holds(t.holding) && !last.IsLeased(t.holding, t.grantID(p.o.Console)), nil
}

// isProvenAbsent reports whether the principal lacks the role, or is gone, and nothing of ours brings it back.
func (p *Provisioner) isProvenAbsent(ctx context.Context, t target) bool {
	last, err := p.o.Ledger.Latest(ctx, t.principal)
	return err == nil && last.Lacks(t.holding) // what cannot be read holds up no end: the request proves it
}

// requireGiven fails unless the ledger proves that the run has given the role and that it was not removed since. It
// returns the proofs of the run, oldest first.
func (p *Provisioner) requireGiven(ctx context.Context, t target, run temporalclient.Run) ([]access.Proof, error) {
	record, err := p.await(ctx, run, func(r authority.Record) bool { return isGiven(t, r) })
	if err != nil {
		return nil, err
	}
	if !isGiven(t, record) {
		return nil, evidence.Unproven(run.WorkflowID, "granted")
	}
	last, err := p.o.Ledger.Latest(ctx, t.principal)
	if err != nil {
		return nil, err
	}
	if last.ByChange && !last.Holds(t.holding) {
		return nil, failf("%s has given the role, and a later change has removed it: see `starter show %[1]s`, then %s",
			run.WorkflowID, pressRetry)
	}
	return record.Evidence(), nil
}

func isGiven(t target, r authority.Record) bool {
	_, given := r.Given()
	_, released := r.ProofOf(access.ChangeKey(r.Run.String(), access.OpRelease))
	return given && !released && t.isOf(r.Plan.Plan)
}

// requireRemoved fails unless the ledger proves that the run has removed the role, or not found it, and that it was
// not given since. It returns the proof.
func (p *Provisioner) requireRemoved(ctx context.Context, t target, run temporalclient.Run) (access.Proof, error) {
	record, err := p.await(ctx, run, func(r authority.Record) bool { _, is := removal(t, r); return is })
	if err != nil {
		return access.Proof{}, err
	}
	proof, removed := removal(t, record)
	if !removed {
		return access.Proof{}, evidence.Unproven(run.WorkflowID, "revoked")
	}
	last, err := p.o.Ledger.Latest(ctx, t.principal)
	if err == nil && last.ByChange && last.Holds(t.holding) {
		err = failf("%s has removed the role, and a later change has given it again: see `starter show %[1]s`, then %s",
			run.WorkflowID, pressRetry)
	}
	return proof, err
}

func removal(t target, r authority.Record) (access.Proof, bool) {
	proof, found := r.ProofOf(access.ChangeKey(r.Run.String(), access.OpRevoke))
	return proof, found && proof.Outcome.ClaimsAbsence() && t.isOf(r.Plan.Plan)
}

func (p *Provisioner) await(
	ctx context.Context, run temporalclient.Run, proves func(authority.Record) bool,
) (authority.Record, error) {
	first, err := p.o.Requests.FirstRun(ctx, run)
	if err != nil {
		return authority.Record{}, err
	}
	return p.o.Ledger.Await(ctx, ledger.Run{Request: run.WorkflowID, ID: first}, proves)
}
