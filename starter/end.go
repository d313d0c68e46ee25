package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

func (p *app) endCommand() *cobra.Command {
	var o actorOptions
	cmd := &cobra.Command{
		Use:   "end ID",
		Short: "End an active grant now",
		Long: `End an active grant now: its role is removed, and the principal's earlier access is restored.
Waits until that is verified; Ctrl-C stops waiting, not the removal.

` + signHelp,
		Example: `  starter end INC-42
  starter end grant/INC-42 --by carol@example.com -o json`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.end(ctx, args[0], o) }),
	}
	o.flags(cmd)
	return cmd
}

func (p *app) end(ctx context.Context, id string, o actorOptions) error {
	return p.stopGrant(ctx, id, wire.EndUpdate, o, func(a updateAnswer, by string) (string, error) {
		if a.State == wire.StateAwaitingReview {
			return fmt.Sprintf("%s ended by %s: %s; its review is still open",
				a.WorkflowID, by, describe.Outcome(a.Outcome)), nil
		}
		return fmt.Sprintf("%s %s by %s: %s", a.WorkflowID, a.State, by, describe.Outcome(a.Outcome)), nil
	})
}
