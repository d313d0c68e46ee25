package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/signing"
)

type verifyCommand struct {
	*app

	allowed, revoked string
}

// receiptVerifyAnswer is the output for programs.
type receiptVerifyAnswer struct {
	OK      bool            `json:"ok"`
	Request string          `json:"request"`
	Run     string          `json:"run"`
	State   string          `json:"state"`
	Hash    string          `json:"hash"`
	Checks  []signing.Check `json:"checks"`
}

func newVerifyCommand(a *app) *cobra.Command {
	c := &verifyCommand{app: a}
	cmd := &cobra.Command{
		Use:   "verify RECEIPT",
		Short: "Verify a receipt without worker, database or console",
		Long: `Verify a receipt from the file alone: its hash, the approvals of the plan in it, every
signature, and that distinct people met the plan's policy.

RECEIPT is a file with a receipt, or with the result of a request that contains one; - reads
standard input. Signatures are checked against the files of ALLOWED_SIGNERS and
ALLOWED_SIGNERS_REVOKED unless flags name others; each must have been valid when it was made.
Exit codes: 0 everything is verified; 1 something is not; 2 something could not be checked.`,
		Example: `  starter verify receipt.json --allowed-signers allowed_signers
  starter verify result.json --allowed-signers allowed_signers --revoked revoked -o json
  starter verify - < receipt.json`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.run(func(_ context.Context, args []string) error {
		return c.execute(cmd, args[0])
	})
	cmd.Flags().StringVar(&c.allowed, "allowed-signers", "", "file of allowed signers (default: from ALLOWED_SIGNERS)")
	cmd.Flags().StringVar(&c.revoked, "revoked", "",
		"file of revoked public keys (default: from ALLOWED_SIGNERS_REVOKED)")
	return cmd
}

func (c *verifyCommand) execute(cmd *cobra.Command, path string) error {
	receipt, err := readReceipt(path, cmd.InOrStdin())
	if err != nil {
		return badConfiguration(err)
	}
	signers, err := c.signers()
	if err != nil {
		return badConfiguration(err)
	}
	checks, err := signing.VerifyReceipt(receipt, signers)
	if err != nil {
		return badConfiguration(err)
	}
	verdict := judge(checks)
	if err := c.tellChecks(receipt, checks, verdict == nil); err != nil {
		return err
	}
	return verdict
}

// signers are those of the flags, else of the environment; nil for none.
func (c *verifyCommand) signers() (*signing.AllowedSigners, error) {
	allowed := cmp.Or(c.allowed, c.cfg.Signing.Allowed)
	revoked := cmp.Or(c.revoked, c.cfg.Signing.Revoked)
	switch {
	case allowed == "" && c.revoked != "":
		return nil, usage("--revoked needs --allowed-signers: without it no signature is checked")
	case allowed == "":
		return nil, nil
	}
	return signing.LoadAllowedSigners(allowed, revoked)
}

func (c *verifyCommand) tellChecks(r access.Receipt, checks []signing.Check, ok bool) error {
	if c.output.json {
		return c.emitJSON(receiptVerifyAnswer{
			OK: ok, Request: r.Request, Run: r.Run, State: r.State, Hash: r.Hash, Checks: checks,
		})
	}
	rows := make([][]string, len(checks))
	for i, c := range checks {
		rows[i] = []string{checkMarks[c.Result], c.Name, c.Detail}
	}
	c.emitTable([]string{"", "check", "result"}, rows)
	return nil
}

var checkMarks = map[signing.Result]string{
	signing.OK: "✓", signing.Failed: "✗", signing.Unsigned: "–", signing.Unchecked: "?",
}

// judge is nil if the receipt holds.
func judge(checks []signing.Check) error {
	count := map[signing.Result]int{}
	for _, c := range checks {
		count[c.Result]++
	}
	if n := count[signing.Failed]; n > 0 {
		return fmt.Errorf("receipt not verified: %d of %s failed", n, describe.Plural(len(checks), "check"))
	}
	if n := count[signing.Unchecked]; n > 0 {
		return usage("cannot check %s in the receipt: pass the file of allowed signers with --allowed-signers",
			describe.Plural(n, "signature"))
	}
	return nil
}
