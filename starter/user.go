package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/wire"
)

func newUserCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "Create users",
		Long:    "Create users, each with one role. To remove one, use `starter offboard`.",
		Example: `  starter user create --email bob@example.com --name "Bob Lind" --role SOC --scope "Acme / Berlin"`,
	}
	cmd.AddCommand(newUserCreateCommand(a))
	return onlySubcommands(cmd)
}

type userCreateCommand struct {
	*app

	requestOptions

	email, name string
}

func newUserCreateCommand(a *app) *cobra.Command {
	c := &userCreateCommand{app: a}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create a user with one role",
		Long: `Create a user with one role, and verify it on the console. The console sends an invitation
by e-mail, if it is configured to. An existing user is not changed: if it holds the role, the
request is done; otherwise use ` + "`starter grant`" + `.

` + accountHelp + `
Waits until the user is verified. Ctrl-C stops waiting, not the request.`,
		Example: `  starter user create --email bob@example.com --name "Bob Lind" --role SOC --scope "Acme / Berlin"
  starter user create --email bob@example.com --name "Bob Lind" --role SOC --scope tenant --dry-run`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.email, "email", "", "e-mail address, also the login name")
	cmd.Flags().StringVar(&c.name, "name", "", "full name")
	c.accountFlags(cmd)
	return cmd
}

func (c *userCreateCommand) execute(ctx context.Context) error {
	w, err := c.accountSpec(ctx, c.requestOptions)
	if err != nil {
		return err
	}
	in := wire.ProvisionUserInput{
		Email: c.email, FullName: c.name, Role: w.role, Scope: w.scope, Requester: w.requester, Reason: c.reason,
		Console: w.console, DryRun: c.dryRun,
	}
	if err := in.Validate(); err != nil {
		return badConfiguration(err)
	}
	return c.request(ctx, c.startRequest(wire.ProvisionUserType, wire.ProvisionID(w.id), &in,
		"create a user at "+string(w.scope.Level)+" level"))
}
