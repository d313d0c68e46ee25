package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/ledger"
)

type ledgerExportCommand struct {
	*app

	path, console string
}

func newLedgerExportCommand(a *app) *cobra.Command {
	c := &ledgerExportCommand{app: a}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export the ledger as JSON lines",
		Long: `Export every entry of the ledger in order, one JSON object per line. Bodies are exactly the
bytes that were hashed; internal/ledger/entry.go describes how.
--out writes the file completely or not at all, readable by its owner only.`,
		Example: `  starter ledger export --out ledger.jsonl
  starter ledger export | jq -r 'select(.kind == "receipt") | .request'`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.path, "out", "", "file to write (default: standard output)")
	consoleFlag(cmd, &c.console)
	return cmd
}

func (c *ledgerExportCommand) execute(ctx context.Context) error {
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	write := func(w io.Writer) error {
		lines := json.NewEncoder(w) // escapes as the bodies are, which thereby stay as they were hashed
		return db.WalkLedger(ctx, host, func(e ledger.Entry) error { return lines.Encode(e) })
	}
	if c.path == "" {
		return write(c.out)
	}
	if err := writeFile(c.path, write); err != nil {
		return err
	}
	c.remark("wrote %s", c.path)
	return nil
}
