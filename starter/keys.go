package main

import "github.com/spf13/cobra"

func newKeysCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Show what rests on a signing key",
		Long: `Show what rests on the SSH key of a person, before the key is revoked
(ALLOWED_SIGNERS_REVOKED, docs/signing.md).`,
		Example: `  starter keys impact SHA256:…`,
	}
	cmd.AddCommand(newKeysImpactCommand(a))
	return onlySubcommands(cmd)
}
