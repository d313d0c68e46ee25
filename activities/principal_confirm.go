package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/attempt"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/wire"
)

// Confirm looks at a principal once more, some time after access was taken away.
// Whatever the console says against it is waited out.
func (p *Principal) Confirm(ctx context.Context, in wire.ConfirmInput) (wire.ConfirmResult, error) {
	defer attempt.KeepAlive(ctx)()
	if err := attempt.RequireConsole("change", in.Writer.Console, p.console.Console()); err != nil {
		return wire.ConfirmResult{}, err
	}
	w := p.attempt(wire.WriteInput{
		Writer: in.Writer, Ownership: in.Ownership,
		Change: wire.ChangeRequest{Request: in.Request, Change: access.Change{Op: opConfirm}},
	})
	seen, err := w.read(console.Urgent(ctx))
	if err != nil {
		return wire.ConfirmResult{}, w.retryLater(ctx, err)
	}
	_, drift := in.Ownership.Absorb(seen.Holdings)
	if err := w.clearWait(ctx, w.request, w.op); err != nil {
		return wire.ConfirmResult{}, err
	}
	return wire.ConfirmResult{Read: seen, Drift: drift}, nil
}

// opConfirm is the step in the list of steps that wait; it changes nothing.
const opConfirm access.Op = "confirm"
