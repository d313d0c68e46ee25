package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

func newServiceUserCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "service-user", Short: "Create service users, rotate their tokens and retire them",
		Long: "Create service users, each with one role and a token that the worker keeps, rotate their tokens, and " +
			"retire them.",
		Example: `  starter service-user create --name ci --role Viewer --scope tenant --token-until 90d
  starter service-user rotate ci --token-until 90d
  starter service-user retire ci`,
	}
	cmd.AddCommand(newServiceUserCreateCommand(a), newServiceUserRotateCommand(a), newServiceUserRetireCommand(a))
	return onlySubcommands(cmd)
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
		Short: "Create a service user with one role and a token",
		Long: `Create a service user with one role, and verify it on the console. The console shows its
token once: the worker stores it where SERVICE_USER_TOKEN_DIR or SERVICE_USER_TOKEN_COMMAND
says, and this command prints where; nothing else sees it. A console accepts duplicate names;
this command refuses a name that is in use.

` + accountHelp + `
Waits until the service user is verified. Ctrl-C stops waiting, not the request.`,
		Example: `  starter service-user create --name ci --role Viewer --scope tenant --token-until 90d
  starter service-user create --name ci --role SOC --scope Acme --level account --token-until 2027-03-01 --id CHG-7`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.name, "name", "", "name, unique on the console")
	cmd.Flags().StringVar(&c.description, "description", "", "purpose")
	cmd.Flags().StringVar(&c.ends, "token-until", "", "when its token expires: "+aheadHelp)
	c.accountFlags(cmd)
	return cmd
}

func (c *serviceUserCreateCommand) execute(ctx context.Context) error {
	ends, err := c.aheadFlag("token-until", c.ends, timetext.EndOfDay)
	if err != nil {
		return err
	}
	w, err := c.accountSpec(ctx, c.requestOptions)
	if err != nil {
		return err
	}
	if ends == nil {
		return usage("token expiry missing: pass --token-until, as in --token-until 90d")
	}
	in := wire.ProvisionServiceUserInput{
		Name: c.name, Description: c.description, Role: w.role, Scope: w.scope, TokenExpiresAt: ends,
		Requester: w.requester, Reason: c.reason, Console: w.console, DryRun: c.dryRun,
	}
	if err := in.Validate(c.now()); err != nil {
		return badConfiguration(err)
	}
	return c.request(ctx, c.startRequest(wire.ProvisionServiceUserType, wire.ProvisionID(w.id), &in,
		"create a service user at "+string(w.scope.Level)+" level"))
}
