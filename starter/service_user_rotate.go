package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/authority"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

// serviceUserRotateCommand has the worker replace the token of a service user.
type serviceUserRotateCommand struct {
	*app

	requestOptions

	ends, recipient string
	own, yes        bool
}

func newServiceUserRotateCommand(a *app) *cobra.Command {
	c := &serviceUserRotateCommand{app: a}
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Replace the token of a service user by a new one",
		Long: `Replace the API token of a service user by a new one, and verify it on the console. The old token
is void at once. The worker stores the new one where SERVICE_USER_TOKEN_DIR or
SERVICE_USER_TOKEN_COMMAND says, and this command prints where; nothing else sees it. Without
such a place nothing is done. With --recipient, the worker encrypts it to a public key of age
instead, and this command prints the ciphertext; such a request must be signed. Roles stay as they
are. Digits alone are an id.

The worker's own token needs --own, and a token file (SENTINELONE_API_TOKEN_FILE) that the worker
may replace. The worker makes a second service user with the same roles, tries its token, writes
that to the file, and deletes the first service user once it has read the console with the new
token. If the console says that the worker's token is another's, or does not tell, nothing is
changed. With a token in a variable or a mounted secret, nothing is done.

A rule of the policy with for: [rotateToken] says who must approve it; without a policy file:
one, by anyone but the requester. The command shows the plan and asks for confirmation; scripts
pass --yes. Ctrl-C stops waiting, not the request.`,
		Example: `  starter service-user rotate ci --token-until 90d --id CHG-9
  starter service-user rotate 1843820828304888119 --token-until 2027-03-01 --yes -o json
  starter service-user rotate ci --token-until 90d --dry-run
  starter service-user rotate ci --token-until 90d --recipient age1… --key ~/.ssh/id_ed25519
  starter service-user rotate svc.provisioner --own --token-until 90d --id CHG-10`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error { return c.execute(ctx, args[0]) }),
	}
	cmd.Flags().StringVar(&c.ends, "token-until", "", "when the new token expires: "+aheadHelp)
	cmd.Flags().StringVar(&c.recipient, "recipient", "", "public key of age to encrypt the token to, as in age1…")
	cmd.Flags().BoolVar(&c.own, "own", false, "replace the service user whose token the worker itself uses")
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
		Recipient: c.recipient, Own: c.own,
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
	if c.dryRun {
		return ask(true)
	}
	if c.yes {
		return c.collect(ctx, wire.RotateID(w.id), ask)
	}
	if !c.interactive() || c.output.json {
		return usage("cannot ask for confirmation without a terminal: pass --yes, " +
			"or see what it would do with --dry-run")
	}
	if err := ask(true); err != nil {
		return err
	}
	question := "Replace the token? The old one is void at once."
	if c.own {
		question = "Replace the service user that the worker uses?"
	}
	if err := c.confirm(question); err != nil {
		return err
	}
	return c.collect(ctx, wire.RotateID(w.id), ask)
}

// collect requests the rotation, and prints the token that is encrypted to the recipient. That comes from the ledger:
// a person who reaches Temporal could put another one into the result, since a ciphertext does not say who made it.
func (c *serviceUserRotateCommand) collect(ctx context.Context, workflowID string, ask func(dry bool) error) error {
	if err := ask(false); err != nil || c.recipient == "" || !c.requestOptions.wait || c.output.json {
		return err
	}
	sealed, err := c.sealedToken(ctx, workflowID)
	if err != nil {
		return fmt.Errorf("the token is made, and its ciphertext cannot be read from the ledger: %w; it is in "+
			"`starter show %s -o json`", err, requestclient.ShortID(workflowID))
	}
	for line := range strings.Lines(sealed) {
		writef(c.out, "%s\n", strings.TrimSuffix(line, "\n"))
	}
	c.remark("read it with `age --decrypt --identity FILE`")
	return nil
}

// sealedToken is the ciphertext that the latest run of the request has made for the recipient.
func (c *serviceUserRotateCommand) sealedToken(ctx context.Context, workflowID string) (string, error) {
	db, host, err := c.openLedger(ctx, "")
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	entries, err := db.LedgerOf(ctx, host, workflowID)
	if err != nil {
		return "", err
	}
	for _, e := range slices.Backward(entries) {
		if e.Kind != ledger.KindProof {
			continue
		}
		run := ledger.RunOf(e)
		record, err := authority.RecordOf(entries, run)
		if err != nil {
			return "", err
		}
		proof, found := record.ProofOf(access.ChangeKey(run.String(), access.OpRotate))
		of := record.Plan.Plan.Rotation
		if found && proof.Token != nil && of != nil && of.Recipient == c.recipient {
			return proof.Token.Sealed, nil
		}
	}
	return "", fmt.Errorf("the ledger has no proof of %s for that recipient", workflowID)
}
