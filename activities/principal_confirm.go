package activities

import (
	"context"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
)

// Confirm looks at a principal once more, some time after access was taken away.
// Whatever the console says against it is waited out.
func (p *Principal) Confirm(ctx context.Context, in ConfirmInput) (ConfirmResult, error) {
	defer keepAlive(ctx, nothing)()
	if in.Writer.Console != p.console.Console() {
		return ConfirmResult{}, otherConsole("change", in.Writer.Console, p.console.Console())
	}
	w := &writing{Principal: p, in: WriteInput{
		Writer: in.Writer, Ownership: in.Ownership,
		Change: ChangeRequest{Request: in.Request, Change: access.Change{Op: opConfirm}},
	}}
	seen, err := w.read(console.Urgent(ctx))
	if err != nil {
		return ConfirmResult{}, w.wait(ctx, err)
	}
	_, drift := in.Ownership.Absorb(seen.Holdings)
	if err := p.store.ClearWait(ctx, in.Writer.Console, in.Request, string(opConfirm)); err != nil {
		return ConfirmResult{}, err
	}
	return ConfirmResult{Read: seen, Drift: drift}, nil
}

// opConfirm names the step in the list of what waits; it is no change.
const opConfirm access.Op = "confirm"
