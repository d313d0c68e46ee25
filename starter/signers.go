package main

import (
	"cmp"

	"github.com/spf13/cobra"
)

func newSignersCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "signers",
		Short: "Check and extend the file of allowed signers",
		Long: `Check and extend the file that says whose keys may sign requests and decisions
(ALLOWED_SIGNERS, docs/signing.md). The worker reads the file for each signature, so an edit
counts at once.`,
		Example: `  starter signers check allowed_signers
  starter signers add --by carol@example.com --key carol.pub --valid-before 365d`,
	}
	cmd.AddCommand(newSignersCheckCommand(a), newSignersAddCommand(a))
	return onlySubcommands(cmd)
}

const signersFileHelp = "Without FILE it is the file of ALLOWED_SIGNERS."

// signersFile is the file that a command names, or that of ALLOWED_SIGNERS.
func (p *app) signersFile(named string) (string, error) {
	path := cmp.Or(named, p.cfg.Signing.Allowed)
	if path == "" {
		return "", usage("no file of allowed signers: name one, or set ALLOWED_SIGNERS")
	}
	return path, nil
}
