package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

func (p *app) extendCommand() *cobra.Command {
	var by, lasts string
	cmd := &cobra.Command{
		Use:   "extend ID",
		Short: "Extend an active grant",
		Long: `Extend an active grant: move its end by a duration, counted from its current end.

The name in --by is recorded as claimed.`,
		Example: `  starter extend INC-42 --for 2h
  starter extend grant/INC-42 --for 1d --by carol@example.com -o json`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.extend(ctx, args[0], lasts, by) }),
	}
	cmd.Flags().StringVar(&lasts, "for", "", "duration to add: 90m, 2h, 1d")
	_ = cmd.MarkFlagRequired("for") // fails only if the flag does not exist
	byFlag(cmd, &by)
	return cmd
}

func (p *app) extend(ctx context.Context, id, lasts, by string) error {
	by, err := requireActor(by)
	if err != nil {
		return err
	}
	d, err := timetext.Duration(lasts)
	if err != nil {
		return usage("--for: %w", err)
	}
	extension := wire.ExtendInput{By: by, Duration: access.Duration(d)}
	return p.updateGrant(ctx, id, wire.ExtendUpdate, extension, func(a updateAnswer) (string, error) {
		until := ""
		if a.EndsAt != nil {
			until = " until " + describe.Second(*a.EndsAt)
		}
		return fmt.Sprintf("extended by %s: %s is %s%s", by, a.WorkflowID, a.State, until), nil
	})
}
