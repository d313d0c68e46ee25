package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

func (p *app) userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "Make users", Args: cobra.NoArgs,
		Long:    "Make users, each with one role. `starter offboard` is how they end.",
		Example: `  starter user create --email bob@example.com --name "Bob Lind" --role SOC --scope "Acme / Berlin"`,
	}
	cmd.AddCommand(p.userCreateCommand())
	return cmd
}

type userOptions struct {
	requestOptions

	email, name string
}

func (p *app) userCreateCommand() *cobra.Command {
	var o userOptions
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
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.createUser(ctx, o) }),
	}
	cmd.Flags().StringVar(&o.email, "email", "", "e-mail address, which is the login name")
	cmd.Flags().StringVar(&o.name, "name", "", "full name")
	o.accountFlags(cmd)
	return cmd
}

// accountHelp says whose consent a new account needs.
const accountHelp = `It needs the consent that a grant of the role for good would (without a policy file: one yes,
by anyone but the requester, within 72 h), which others give with ` + "`starter approve`" + `; --dry-run
says whose. Denied, or undecided in time, nothing is made and it exits 1.`

// accountFlags are those of a request that makes somebody.
func (o *requestOptions) accountFlags(cmd *cobra.Command) {
	o.placeFlags(cmd, "")
	o.recordFlags(cmd)
}

func (p *app) createUser(ctx context.Context, o userOptions) error {
	w, err := p.accountWish(ctx, o.requestOptions)
	if err != nil {
		return err
	}
	in := wire.ProvisionUserInput{
		Email: o.email, FullName: o.name, Role: w.role, Scope: w.scope, Requester: w.requester, Reason: o.reason,
		Console: w.console, DryRun: o.dryRun,
	}
	if err := in.Validate(); err != nil {
		return badConfiguration(err)
	}
	return p.request(ctx, o.order(wire.ProvisionUserType, wire.ProvisionID(w.id), &in,
		"make a user at "+string(w.scope.Level)+" level"))
}

// accountWish reads the flags of a request that makes somebody.
func (p *app) accountWish(ctx context.Context, o requestOptions) (w requestSpec, err error) {
	if w, err = p.record(o, wire.ProvisionID("")); err != nil {
		return w, err
	}
	w.role, w.scope, err = p.roleAndScope(ctx, o.selectorFlags, "")
	return w, err
}

// order is a request that is waited for until it has ended. Its summary is not
// encrypted.
func (o *requestOptions) order(kind, id string, input requestInput, summary string) startRequest {
	return startRequest{
		kind: kind, id: id, input: input, sign: o.signOptions, summary: summary,
		wait: o.wait, dryRun: o.dryRun, chosen: o.id != "",
		settled: func(wire.RequestStatus) bool { return false },
	}
}

// madeFacts say who was made, and where the token went that nobody else has.
func madeFacts(proofs []access.Proof) [][]string {
	var out [][]string
	for _, proof := range proofs {
		if proof.Made != nil {
			out = append(out, []string{"made", describe.Principal(*proof.Made)})
		}
		if t := proof.Token; t != nil {
			text := "given to the worker's SERVICE_USER_TOKEN_COMMAND"
			if t.Path != "" {
				text = t.Path + " in the worker's SERVICE_USER_TOKEN_DIR"
			}
			out = append(out, []string{"token", text + ", ends at " + describe.Second(t.ExpiresAt)})
		}
	}
	return out
}
