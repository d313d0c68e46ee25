package activities

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/signed"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

// Freeze writes a freeze or an unfreeze into the ledger, whether it counts or not, and says
// whether giving access is frozen then. Doing it again gives the first answer.
func (r *Request) Freeze(ctx context.Context, in wire.FreezeActivityInput) (wire.FreezeResult, error) {
	defer attempt.KeepAlive(ctx)()
	run, err := r.runs.requestRun(ctx, in.Request)
	if err != nil {
		return wire.FreezeResult{}, err
	}
	body := ledger.Freeze{Freeze: in.Freeze}
	if err := attempt.CheckConsole(in.Freeze.Action(), body.Console, r.console.Console()); err != nil {
		return wire.FreezeResult{}, err
	}
	body.Console, body.Signed = r.console.Console(), access.Unsigned
	if body.Refusal, err = r.checkFreeze(ctx, run, &body.Freeze, in.Request.StartedAt); err != nil {
		return wire.FreezeResult{}, err
	}
	// The entry's time is the worker's: signatures are verified again as of then.
	entries, err := r.store.Append(ctx, body.Console, ledger.NewEntry{
		Request: run.Request, Key: run.FreezeKey(), At: r.now().UTC(), Body: body,
	})
	if err != nil {
		return wire.FreezeResult{}, fmt.Errorf("cannot record the %s of %s: %w", body.Action(), body.By, err)
	}
	kept, err := ledger.DecodeAs[ledger.Freeze](entries[0])
	if err != nil {
		return wire.FreezeResult{}, err
	}
	giving, err := r.freezeState(ctx)
	return wire.FreezeResult{Freeze: kept.Freeze, Refusal: kept.Refusal, Giving: giving}, err
}

// checkFreeze says why a message does not count, and fills in the key that signed it.
func (r *Request) checkFreeze(
	ctx context.Context, run ledger.Run, f *access.Freeze, startedAt time.Time,
) (refusal string, err error) {
	giving, err := r.freezeState(ctx)
	if err != nil {
		return "", err
	}
	if !f.Frozen && !giving.Frozen {
		return "giving access is not frozen: there is nothing to unfreeze", nil
	}
	if r.signers == nil {
		if !f.Frozen && giving.Signed != access.Unsigned {
			return "signatures are required since it was frozen, and this worker has no allowed signers: " +
				"set ALLOWED_SIGNERS", nil
		}
		return "", nil
	}
	if f.Signature == "" {
		return fmt.Sprintf("a signature is required: %s with `starter %[1]s`, which signs", f.Action()), nil
	}
	// A freeze that waited for a worker counts. An unfreeze must be fresh by the worker's own
	// clock: somebody may have kept it, to send it when it suits them.
	at := r.now().UTC()
	if f.Frozen {
		at = startedAt
	}
	fingerprint, refusal, err := r.signatures().Verify(ctx, run.Request, signed.Message{
		Statement: signing.OfFreeze(run.Request, *f), Signature: f.Signature, At: at, Use: run.FreezeKey(),
	})
	f.Signed = cmp.Or(fingerprint, access.Unsigned)
	return refusal, err
}

func (r *Request) freezeState(ctx context.Context) (access.FreezeState, error) {
	return freezeState(ctx, r.store, authority.FreezeRules{
		Console: r.console.Console(), Signers: r.signers, Policy: r.policy,
	}, true)
}

// freezeState says whether giving access is frozen. skip leaves out entries that no worker
// wrote, so that a freeze can be recorded all the same; before access is given, they are an error.
func freezeState(
	ctx context.Context, s *store.Store, rules authority.FreezeRules, skip bool,
) (access.FreezeState, error) {
	entries, err := s.LedgerOfSubject(ctx, rules.Console, ledger.FreezeSubject, 0)
	if err == nil {
		entries, err = genuine(ctx, s, entries, skip)
	}
	if err != nil {
		return access.FreezeState{}, err
	}
	return authority.FrozenBy(entries, rules)
}

// frozenExtension says why nobody is asked about an extension while giving access is frozen: a
// later end is given access too, and what ends goes on.
func (r *Request) frozenExtension(ctx context.Context) (refusal string, err error) {
	state, err := r.freezeState(ctx)
	if err != nil || !state.Frozen {
		return "", err
	}
	return fmt.Sprintf("cannot extend: %s %s: access ends as approved, unless it is extended after `starter unfreeze`",
		access.GivingFrozen, state), nil
}
