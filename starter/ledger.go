package main

import "github.com/spf13/cobra"

func newLedgerCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Verify or export the record of every request",
		Long: `The ledger is the record of every request, plan, write, read-back and receipt. Each entry
holds the hash of the one before, so one that is altered, removed, inserted or moved
shows.`,
		Example: `  starter ledger verify
  starter ledger export --out ledger.jsonl`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(newLedgerVerifyCommand(a), newLedgerExportCommand(a))
	return cmd
}
