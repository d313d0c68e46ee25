package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

func newServiceUserCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "service-user", Short: "Make and retire service users", Args: cobra.NoArgs,
		Long: "Make service users, each with one role and a token that the worker keeps, and retire them.",
		Example: `  starter service-user create --name ci --role Viewer --scope tenant --token-until 90d
  starter service-user retire ci`,
	}
	cmd.AddCommand(newServiceUserCreateCommand(a), newServiceUserRetireCommand(a))
	return cmd
}

type serviceUserCreateCommand struct {
	*app

	requestOptions

	name, description, ends string
}

func newServiceUserCreateCommand(a *app) *cobra.Command {
	c := &serviceUserCreateCommand{app: a}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make a service user with one role and a token",
		Long: `Make a service user with one role, and prove it by reading it back. A console shows its
token once: the worker keeps it where SERVICE_USER_TOKEN_DIR or SERVICE_USER_TOKEN_COMMAND
says, and nothing else ever sees it; this command prints where it went. Names are not unique
on a console, so one that is taken is refused.

` + accountHelp + `

Waits for consent and proof. Ctrl-C stops the waiting, not the request.`,
		Example: `  starter service-user create --name ci --role Viewer --scope tenant --token-until 90d
  starter service-user create --name ci --role SOC --scope Acme --level account --token-until 2027-03-01 --id CHG-7`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.name, "name", "", "name, which nobody else should have")
	cmd.Flags().StringVar(&c.description, "description", "", "what it is for")
	cmd.Flags().StringVar(&c.ends, "token-until", "", "end of its token: "+aheadHelp)
	c.accountFlags(cmd)
	return cmd
}

func (c *serviceUserCreateCommand) execute(ctx context.Context) error {
	ends, err := c.aheadFlag("token-until", c.ends, timetext.EndOfDay)
	if err != nil {
		return err
	}
	w, err := c.accountWish(ctx, c.requestOptions)
	if err != nil {
		return err
	}
	if ends == nil {
		return usage("--token-until is missing: say when its token ends, as in --token-until 90d")
	}
	in := wire.ProvisionServiceUserInput{
		Name: c.name, Description: c.description, Role: w.role, Scope: w.scope, TokenExpiresAt: ends,
		Requester: w.requester, Reason: c.reason, Console: w.console, DryRun: c.dryRun,
	}
	if err := in.Validate(c.now()); err != nil {
		return badConfiguration(err)
	}
	return c.request(ctx, c.order(wire.ProvisionServiceUserType, wire.ProvisionID(w.id), &in,
		"make a service user at "+string(w.scope.Level)+" level"))
}
