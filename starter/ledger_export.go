package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/ledger"
)

type ledgerExportOptions struct{ out, console string }

func (p *app) ledgerExportCommand() *cobra.Command {
	var o ledgerExportOptions
	cmd := &cobra.Command{
		Use:   "export",
		Short: "The record, as JSON lines",
		Long: `Every entry of the ledger in order, one JSON object a line. How the hash of an entry is
computed stands in internal/ledger/entry.go; bodies are exactly the bytes that were
hashed. With --out the file appears whole or not at all, readable by its owner only.`,
		Example: `  starter ledger export --out ledger.jsonl
  starter ledger export | jq -r 'select(.kind == "receipt") | .request'`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.ledgerExport(ctx, o) }),
	}
	cmd.Flags().StringVar(&o.out, "out", "", "file to write (default: standard output)")
	consoleFlag(cmd, &o.console)
	return cmd
}

func (p *app) ledgerExport(ctx context.Context, o ledgerExportOptions) error {
	db, host, err := p.openLedger(ctx, o.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	write := func(w io.Writer) error {
		lines := json.NewEncoder(w) // escapes as the bodies are, which thereby stay as they were hashed
		return db.WalkLedger(ctx, host, func(e ledger.Entry) error { return lines.Encode(e) })
	}
	if o.out == "" {
		return write(p.out)
	}
	if err := writeFile(o.out, write); err != nil {
		return err
	}
	p.remark("wrote %s", o.out)
	return nil
}
