package main

import "github.com/spf13/cobra"

func newKeysCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Show what rests on a signing key, and which payload keys are needed",
		Long: `Show what rests on the SSH key of a person, before the key is revoked
(ALLOWED_SIGNERS_REVOKED, docs/signing.md), and which keys of PAYLOAD_KEYS_FILE running workflows
need, before a line is removed.`,
		Example: `  starter keys impact SHA256:…
  starter keys status`,
	}
	cmd.AddCommand(newKeysImpactCommand(a), newKeysStatusCommand(a))
	return onlySubcommands(cmd)
}
