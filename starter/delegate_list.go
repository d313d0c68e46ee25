package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

type delegateListOptions struct{ by, to, console string }

func (p *app) delegateListCommand() *cobra.Command {
	var o delegateListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Who decides for whom now",
		Long: `Who decides for whom now, and until when. What was handed over before, and taken back, is in
the ledger: starter ledger export, entries of kind delegation.`,
		Example: `  starter delegate list
  starter delegate list --to bob@example.com -o json`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.delegations(ctx, o) }),
	}
	cmd.Flags().StringVar(&o.by, "by", "", "only whose decisions these are")
	cmd.Flags().StringVar(&o.to, "to", "", "only what this person decides")
	consoleFlag(cmd, &o.console)
	return cmd
}

// delegationsAnswer is the output for programs.
type delegationsAnswer struct {
	Console     string              `json:"console"`
	Delegations []access.Delegation `json:"delegations"`
}

func (p *app) delegations(ctx context.Context, o delegateListOptions) error {
	db, host, err := p.openLedger(ctx, o.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	q := store.DelegationsQuery{Console: host, At: p.now(), To: o.to}
	if o.by != "" {
		q.By = []string{o.by}
	}
	found, err := db.Delegations(ctx, q)
	if err != nil {
		return err
	}
	if p.output.json {
		return p.emitJSON(delegationsAnswer{Console: host, Delegations: found})
	}
	if len(found) == 0 {
		p.remark("nobody decides for somebody else at %s", host)
		return nil
	}
	rows := make([][]string, len(found))
	for i, d := range found {
		rows[i] = []string{d.By, d.To, describe.Minute(d.At), describe.Minute(d.Until), d.Signed, d.Comment}
	}
	p.emitTable([]string{"whose", "who decides", "since", "until", "signed", "comment"}, rows)
	return nil
}
