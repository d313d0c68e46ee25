package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/wire"
)

func newUserCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "Make users", Args: cobra.NoArgs,
		Long:    "Make users, each with one role. `starter offboard` is how they end.",
		Example: `  starter user create --email bob@example.com --name "Bob Lind" --role SOC --scope "Acme / Berlin"`,
	}
	cmd.AddCommand(newUserCreateCommand(a))
	return cmd
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
		Short: "Make a user with one role",
		Long: `Make a user with one role, and prove it by reading it back. The console invites by
e-mail, if it is set up to. A user who is there already is not touched: one that holds the
role counts as done, for another a grant is the way.

` + accountHelp + `

Waits for consent and proof. Ctrl-C stops the waiting, not the request.`,
		Example: `  starter user create --email bob@example.com --name "Bob Lind" --role SOC --scope "Acme / Berlin"
  starter user create --email bob@example.com --name "Bob Lind" --role SOC --scope tenant --dry-run`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.email, "email", "", "e-mail address, which is the login name")
	cmd.Flags().StringVar(&c.name, "name", "", "full name")
	c.accountFlags(cmd)
	return cmd
}

func (c *userCreateCommand) execute(ctx context.Context) error {
	w, err := c.accountWish(ctx, c.requestOptions)
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
	return c.request(ctx, c.order(wire.ProvisionUserType, wire.ProvisionID(w.id), &in,
		"make a user at "+string(w.scope.Level)+" level"))
}
