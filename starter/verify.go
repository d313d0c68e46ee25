package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/receipt"
	"sentinelone-provisioner/internal/signing"
)

type verifyCommand struct {
	*app

	allowed, revoked, ledgerKey, policy, console string
}

// receiptVerifyAnswer is the output for programs.
type receiptVerifyAnswer struct {
	OK      bool   `json:"ok"`
	Request string `json:"request"`
	Run     string `json:"run"`
	State   string `json:"state"`
	Hash    string `json:"hash"`
	// SignedMeans says what it means that not all names are signed; "" if all are.
	SignedMeans string          `json:"signedMeans,omitempty"`
	Checks      []signing.Check `json:"checks"`
}

func newVerifyCommand(a *app) *cobra.Command {
	c := &verifyCommand{app: a}
	cmd := &cobra.Command{
		Use:   "verify RECEIPT",
		Short: "Verify what a request did, by its receipt alone",
		Long: `Verify a receipt without worker or console: that nothing in it was changed, that its state
follows from its proofs, that each write did what the plan says and nothing else, that
distinct people had approved it by then, that it ended when it was approved to, and that
extensions and stops are approved and signed.

RECEIPT is a file with a receipt, or with the result of a request that contains one; - reads
standard input. The id of a request reads its receipt from the database, and verifies the hash
and the seal of the ledger's own entry of it too.

Signatures are checked against the files of ALLOWED_SIGNERS and ALLOWED_SIGNERS_REVOKED unless
flags name others; each must have been valid when it was made. A plan that asked nobody rests
on its policy: with --policy, the policy of the hash in the plan decides again. --ledger-key
checks the seal of the ledger that the receipt carries.
Exit codes: 0 everything is verified; 1 something is not; 2 something could not be checked,
and the check says how to.`,
		Example: `  starter verify receipt.json --allowed-signers allowed_signers --ledger-key ledger.pub
  starter verify result.json --allowed-signers allowed_signers --revoked revoked -o json
  starter verify INC-42 --policy policy.yaml
  starter verify - < receipt.json`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = a.run(func(ctx context.Context, args []string) error {
		return c.execute(ctx, cmd, args[0])
	})
	cmd.Flags().StringVar(&c.allowed, "allowed-signers", "", "file of allowed signers (default: from ALLOWED_SIGNERS)")
	cmd.Flags().StringVar(&c.revoked, "revoked", "",
		"file of revoked public keys (default: from ALLOWED_SIGNERS_REVOKED)")
	cmd.Flags().StringVar(&c.ledgerKey, "ledger-key", "",
		"file of the key that seals the ledger (default: that of LEDGER_KEY_FILE, where it can be read)")
	cmd.Flags().StringVar(&c.policy, "policy", "",
		"policy file as it was when the request was planned: it decides again")
	consoleFlag(cmd, &c.console)
	return cmd
}

func (c *verifyCommand) execute(ctx context.Context, cmd *cobra.Command, path string) error {
	read, entry, err := c.readReceipt(ctx, path, cmd.InOrStdin())
	if err != nil {
		return badConfiguration(err)
	}
	with, err := c.means(ctx, entry)
	if err != nil {
		return badConfiguration(err)
	}
	checks, err := receipt.Verify(read, with)
	if err != nil {
		return badConfiguration(err)
	}
	verdict := judge(checks)
	if err := c.tellChecks(read, checks, verdict == nil); err != nil {
		return err
	}
	return verdict
}

// means are the files of the flags and of the environment. With an entry, the receipt is from the
// database, whose key may be beside it.
func (c *verifyCommand) means(ctx context.Context, entry *ledger.Entry) (out receipt.Means, err error) {
	out.Entry = entry
	if out.Allowed, err = c.signers(); err != nil {
		return out, err
	}
	if c.policy != "" {
		if out.Policy, err = policy.Load(c.policy); err != nil {
			return out, fmt.Errorf("--policy: %w", err)
		}
	}
	path := cmp.Or(c.ledgerKey, c.cfg.Store.LedgerKey)
	if path == "" && entry != nil {
		path, _ = c.cfg.Store.LedgerKeyFile()
	}
	if path == "" {
		return out, nil
	}
	key, err := readSealKey(path)
	switch {
	case err == nil && entry != nil:
		out.LedgerKey = &key
		out.Ring, err = c.trusted(ctx, key)
		return out, err
	case err == nil:
		out.LedgerKey = &key
	case c.ledgerKey != "":
		return out, usage("--ledger-key %s: %w", path, err)
	}
	return out, nil // of the environment: it may be the worker's alone
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
	means := access.SignedMeans(r.HowSigned()) // by its signatures, whatever the receipt says of them
	if c.output.json {
		return c.emitJSON(receiptVerifyAnswer{
			OK: ok, Request: r.Request, Run: r.Run, State: r.State, Hash: r.Hash,
			SignedMeans: means, Checks: checks,
		})
	}
	rows := make([][]string, len(checks))
	for i, c := range checks {
		rows[i] = []string{checkMarks[c.Result], c.Name, c.Detail}
	}
	c.emitTable([]string{"", "check", "result"}, rows)
	if means != "" {
		c.remark("the receipt is %s: %s", r.HowSigned(), means)
	}
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
	if count[signing.Unchecked] > 0 {
		return usage("%s", strings.Join(unchecked(checks), "; "))
	}
	return nil
}

// unchecked says which checks could not be made, and how to make them.
func unchecked(checks []signing.Check) []string {
	var signatures int
	var names, out []string
	for _, c := range checks {
		switch {
		case c.Result != signing.Unchecked:
		case c.NoSigners():
			signatures++
		case !slices.Contains(names, c.Name):
			names = append(names, c.Name)
		}
	}
	if signatures > 0 {
		out = append(out, fmt.Sprintf("cannot check %s in the receipt: pass the file of allowed signers "+
			"with --allowed-signers", describe.Plural(signatures, "signature")))
	}
	if len(names) > 0 {
		out = append(out, fmt.Sprintf("cannot check in the receipt: %s: do what the lines with ? say",
			strings.Join(names, ", ")))
	}
	return out
}
