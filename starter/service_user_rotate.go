package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

// serviceUserRotateCommand has the worker replace the token of a service user.
type serviceUserRotateCommand struct {
	*app

	requestOptions

	ends string
	yes  bool
}

func newServiceUserRotateCommand(a *app) *cobra.Command {
	c := &serviceUserRotateCommand{app: a}
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Replace the token of a service user by a new one",
		Long: `Replace the API token of a service user by a new one, and verify it on the console. The old token
is void at once. The worker stores the new one where SERVICE_USER_TOKEN_DIR or
SERVICE_USER_TOKEN_COMMAND says, and this command prints where; nothing else sees it. Without
such a place nothing is done. Roles stay as they are. Digits alone are an id.

A rule of the policy with for: [rotateToken] says who must approve it; without a policy file:
one, by anyone but the requester. The worker's own token is refused. The command shows the plan and
asks for confirmation; scripts pass --yes. Ctrl-C stops waiting, not the request.`,
		Example: `  starter service-user rotate ci --token-until 90d --id CHG-9
  starter service-user rotate 1843820828304888119 --token-until 2027-03-01 --yes -o json
  starter service-user rotate ci --token-until 90d --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error { return c.execute(ctx, args[0]) }),
	}
	cmd.Flags().StringVar(&c.ends, "token-until", "", "when the new token expires: "+aheadHelp)
	c.recordFlags(cmd)
	cmd.Flags().BoolVar(&c.yes, "yes", false, "skip the confirmation prompt")
	return cmd
}

func (c *serviceUserRotateCommand) execute(ctx context.Context, name string) error {
	ends, err := c.aheadFlag("token-until", c.ends, timetext.EndOfDay)
	if err != nil {
		return err
	}
	if ends == nil {
		return usage("token expiry missing: pass --token-until, as in --token-until 90d")
	}
	w, err := c.record(c.requestOptions, wire.RotateID(""))
	if err != nil {
		return err
	}
	in := wire.RotateTokenInput{
		TokenExpiresAt: ends, Requester: w.requester, Reason: c.reason, Console: w.console,
	}
	if in.Principal, err = selector.Principal(access.ServiceUser, name); err != nil {
		return usage("%w", err)
	}
	if err := in.Validate(c.now()); err != nil {
		return badConfiguration(err)
	}
	ask := func(dry bool) error {
		c.dryRun, in.DryRun = dry, dry
		return c.request(ctx, c.startRequest(wire.RotateTokenType, wire.RotateID(w.id), &in,
			"rotate the token of a service user"))
	}
	if c.yes || c.dryRun {
		return ask(c.dryRun)
	}
	if !c.interactive() || c.output.json {
		return usage("cannot ask for confirmation without a terminal: pass --yes, " +
			"or see what it would do with --dry-run")
	}
	if err := ask(true); err != nil {
		return err
	}
	if err := c.confirm("Replace the token? The old one is void at once."); err != nil {
		return err
	}
	return ask(false)
}
