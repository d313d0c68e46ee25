package activities

import (
	"context"

	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/signed"
	"sentinelone-provisioner/internal/wire"
)

// Stop verifies who cancels a request or ends its access, and writes it into the ledger,
// whether it counts or not. Doing it again gives the first answer.
func (r *Request) Stop(ctx context.Context, in wire.StopActivityInput) (wire.StopResult, error) {
	defer attempt.KeepAlive(ctx)()
	if _, err := r.runs.requestRun(ctx, in.Request); err != nil {
		return wire.StopResult{}, err
	}
	return r.signatures().Stop(ctx, in)
}

// signatures verifies what people sign.
func (r *Request) signatures() signed.Checker {
	return signed.Checker{Signers: r.signers, Store: r.store, Console: r.console.Console()}
}
