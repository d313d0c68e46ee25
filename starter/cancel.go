package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/wire"
)

func (p *app) cancelCommand() *cobra.Command {
	var o actorOptions
	cmd := &cobra.Command{
		Use:   "cancel ID",
		Short: "Cancel a request before it is applied",
		Long: `Cancel a grant before it is active. Anything that it has already changed on the console is
undone. End an active grant with ` + "`starter end`" + ` instead. The creation of a user or service user
can be cancelled too: it is then either completed or undone.

` + signHelp,
		Example: `  starter cancel INC-42
  starter cancel grant/INC-42 --by carol@example.com -o json`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.cancel(ctx, args[0], o) }),
	}
	o.flags(cmd)
	return cmd
}

func (p *app) cancel(ctx context.Context, id string, o actorOptions) error {
	return p.stopGrant(ctx, id, wire.CancelUpdate, o, func(a updateAnswer, by string) (string, error) {
		if a.State != wire.StateCancelled {
			return "", fmt.Errorf("%s cannot be cancelled any more: it is %s", a.WorkflowID, a.State)
		}
		return fmt.Sprintf("%s by %s: %s", a.State, by, a.WorkflowID), nil
	})
}
