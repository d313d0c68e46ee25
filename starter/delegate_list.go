package main

import (
	"context"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

type delegateListCommand struct {
	*app

	by, to, console string
}

func newDelegateListCommand(a *app) *cobra.Command {
	c := &delegateListCommand{app: a}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List active delegations",
		Long: `List active delegations and when they end. Earlier and revoked ones are in the ledger:
starter ledger export, entries of kind delegation.`,
		Example: `  starter delegate list
  starter delegate list --to bob@example.com -o json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.by, "by", "", "only those of this delegator")
	cmd.Flags().StringVar(&c.to, "to", "", "only those to this delegate")
	consoleFlag(cmd, &c.console)
	return cmd
}

// delegationsAnswer is the output for programs.
type delegationsAnswer struct {
	Console     string              `json:"console"`
	Delegations []access.Delegation `json:"delegations"`
}

func (c *delegateListCommand) execute(ctx context.Context) error {
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	q := store.DelegationsQuery{Console: host, At: c.now(), To: c.to}
	if c.by != "" {
		q.By = []string{c.by}
	}
	found, err := db.Delegations(ctx, q)
	if err != nil {
		return err
	}
	if c.output.json {
		return c.emitJSON(delegationsAnswer{Console: host, Delegations: found})
	}
	if len(found) == 0 {
		c.remark("no active delegation at %s", host)
		return nil
	}
	rows := make([][]string, len(found))
	for i, d := range found {
		rows[i] = []string{d.By, d.To, describe.Minute(d.At), describe.Minute(d.Until), d.Signed, d.Comment}
	}
	c.emitTable([]string{"delegator", "delegate", "since", "until", "signed", "comment"}, rows)
	return nil
}
