package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/wire"
)

func (p *app) revokeCommand() *cobra.Command {
	var o requestOptions
	cmd := &cobra.Command{
		Use:   "revoke",
		Short: "Revoke a role permanently",
		Long: `Revoke a principal's role at a scope permanently, and verify with two reads that it is gone.
Time-bound grants of that role end with it. Once started, the revoke retries until the console
has applied it, for days if necessary.

` + targetHelp + `

Waits until the removal is verified. Ctrl-C stops waiting, not the revoke. With --dry-run the
exit code is 0 if the revoke is possible, 1 if not.`,
		Example: `  starter revoke --user ana@example.com --role SOC --scope "Acme / Berlin" --reason INC-42
  starter revoke --service-user svc.backup --role Admin --scope tenant --dry-run
  starter revoke --user 418828136350235435 --role SOC --scope Acme --level account --id CHG-8 -o json`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.revoke(ctx, o) }),
	}
	o.flags(cmd)
	return cmd
}

func (p *app) revoke(ctx context.Context, o requestOptions) error {
	w, err := p.requestSpec(ctx, o, wire.RevokeID(""))
	if err != nil {
		return err
	}
	return p.request(ctx, startRequest{
		NewRequest: requestclient.NewRequest{
			Type: wire.RevokeType, ID: wire.RevokeID(w.id),
			Input: &wire.RevokeInput{
				Principal: w.principal, Role: w.role, Scope: w.scope, Requester: w.requester, Reason: o.reason,
				Console: w.console, DryRun: o.dryRun,
			},
			Summary: "revoke at " + string(w.scope.Level) + " level",
		},
		sign: o.signOptions, wait: o.wait, dryRun: o.dryRun, chosen: o.id != "",
		settled: func(wire.RequestStatus) bool { return false },
	})
}
