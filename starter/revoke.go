package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/wire"
)

func (p *app) revokeCommand() *cobra.Command {
	var o requestOptions
	cmd := &cobra.Command{
		Use:   "revoke",
		Short: "Take a role away, for good",
		Long: `Take a role at a scope away from a principal, for good, and prove that it is gone by
reading twice. Grants for a time of that role end with it. Once it runs it is carried
through: it waits out whatever the console says, for days if need be.

` + targetHelp + `

Waits for the proof. Ctrl-C stops the waiting, not the revoke. --dry-run exits 0 if it
could be carried out, 1 if not.`,
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
		kind: wire.RevokeType, id: wire.RevokeID(w.id),
		input: &wire.RevokeInput{
			Principal: w.principal, Role: w.role, Scope: w.scope, Requester: w.requester, Reason: o.reason,
			Console: w.console, DryRun: o.dryRun,
		},
		sign:    o.signOptions,
		summary: "revoke at " + string(w.scope.Level) + " level",
		wait:    o.wait, dryRun: o.dryRun, chosen: o.id != "",
		settled: func(wire.RequestStatus) bool { return false },
	})
}
