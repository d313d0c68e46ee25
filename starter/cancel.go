package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/wire"
)

func (p *app) cancelCommand() *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use:   "cancel ID",
		Short: "Call a grant or a new account off before it is there",
		Long: `Call a grant off that is not in force yet. Whatever of it has reached the console by then
is taken back. One that is in force is ended with ` + "`starter end`" + ` instead. A user or service
user that is being made is called off likewise: it ends there as a whole, or not at all.

The name in --by is recorded as claimed.`,
		Example: `  starter cancel INC-42
  starter cancel grant/INC-42 --by carol@example.com -o json`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.cancel(ctx, args[0], by) }),
	}
	byFlag(cmd, &by)
	return cmd
}

func (p *app) cancel(ctx context.Context, id, by string) error {
	by, err := whoAsks(by)
	if err != nil {
		return err
	}
	return p.updateGrant(ctx, id, wire.CancelUpdate, wire.StopInput{By: by}, func(a updateAnswer) (string, error) {
		if a.State != wire.StateCancelled {
			return "", fmt.Errorf("%s could not be called off any more: it is %s", a.WorkflowID, a.State)
		}
		return fmt.Sprintf("%s by %s: %s", a.State, by, a.WorkflowID), nil
	})
}
