package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

func (p *app) endCommand() *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use:   "end ID",
		Short: "End an active grant now",
		Long: `End an active grant now: its role is removed, and the principal's earlier access is restored.
Waits until that is verified; Ctrl-C stops waiting, not the removal.

The name in --by is recorded as claimed.`,
		Example: `  starter end INC-42
  starter end grant/INC-42 --by carol@example.com -o json`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.end(ctx, args[0], by) }),
	}
	byFlag(cmd, &by)
	return cmd
}

func (p *app) end(ctx context.Context, id, by string) error {
	by, err := requireActor(by)
	if err != nil {
		return err
	}
	return p.updateGrant(ctx, id, wire.EndUpdate, wire.StopInput{By: by}, func(a updateAnswer) (string, error) {
		if a.State == wire.StateAwaitingReview {
			return fmt.Sprintf("%s ended by %s: %s; its review is still open",
				a.WorkflowID, by, describe.Outcome(a.Outcome)), nil
		}
		return fmt.Sprintf("%s %s by %s: %s", a.WorkflowID, a.State, by, describe.Outcome(a.Outcome)), nil
	})
}
