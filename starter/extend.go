package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

func (p *app) extendCommand() *cobra.Command {
	var o extendOptions
	cmd := &cobra.Command{
		Use:   "extend ID",
		Short: "Extend an active grant",
		Long: `Extend an active grant: move its end by a duration, counted from its current end.

` + signHelp,
		Example: `  starter extend INC-42 --for 2h
  starter extend grant/INC-42 --for 1d --by carol@example.com -o json`,
		Args: cobra.ExactArgs(1),
		RunE: p.run(func(ctx context.Context, args []string) error { return p.extend(ctx, args[0], o) }),
	}
	cmd.Flags().StringVar(&o.lasts, "for", "", "duration to add: 90m, 2h, 1d")
	_ = cmd.MarkFlagRequired("for") // fails only if the flag does not exist
	o.actorOptions.flags(cmd)
	return cmd
}

type extendOptions struct {
	actorOptions

	lasts string // --for
}

func (p *app) extend(ctx context.Context, id string, o extendOptions) error {
	by, err := requireActor(o.by)
	if err != nil {
		return err
	}
	d, err := timetext.Duration(o.lasts)
	if err != nil {
		return usage("--for: %w", err)
	}
	signer, err := p.openSigner(ctx, o.signOptions, by)
	if err != nil {
		return err
	}
	defer signer.Close()
	p.remarkUnsigned(signer)
	in := wire.ExtendInput{By: by, Duration: access.Duration(d), Comment: o.comment}
	u := requestclient.Update{Name: wire.ExtendUpdate, Payload: in}
	if signer.HasKey() {
		u.Sign = func(ctx context.Context, s wire.RequestStatus) (any, error) {
			return signer.SignExtension(ctx, s, in)
		}
	}
	return p.updateGrant(ctx, id, u, func(a updateAnswer) (string, error) {
		until := ""
		if a.EndsAt != nil {
			until = " until " + describe.Second(*a.EndsAt)
		}
		return fmt.Sprintf("extended by %s: %s is %s%s", by, a.WorkflowID, a.State, until), nil
	})
}
