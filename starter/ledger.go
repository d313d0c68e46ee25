package main

import "github.com/spf13/cobra"

func newLedgerCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Verify or export the ledger",
		Long: `Verify or export the ledger: the record of every request, plan, write, verification read and
receipt. Each entry holds the hash of the one before, so verification finds an entry that
was changed, removed, inserted or moved.`,
		Example: `  starter ledger verify
  starter ledger export --out ledger.jsonl`,
	}
	cmd.AddCommand(newLedgerVerifyCommand(a), newLedgerExportCommand(a))
	return onlySubcommands(cmd)
}
