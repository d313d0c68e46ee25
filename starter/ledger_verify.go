package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/ledger"
)

type ledgerVerifyCommand struct {
	*app

	head, console string
}

func newLedgerVerifyCommand(a *app) *cobra.Command {
	c := &ledgerVerifyCommand{app: a}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify the hashes of the ledger",
		Long: `Read the whole ledger and compute every hash again. Each fault is printed on a line, and
the exit code is then 1.

The command prints the head: number and hash of the last entry. Keep it outside the
database and pass it later as --head: that proves that no entry up to it was rewritten,
even if the whole chain was.`,
		Example: `  starter ledger verify
  starter ledger verify --head 1204:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.head, "head", "", "number and hash of an entry, printed by an earlier run: SEQ:HASH")
	consoleFlag(cmd, &c.console)
	return cmd
}

// verifyAnswer is the output for programs.
type verifyAnswer struct {
	OK bool `json:"ok"`
	ledger.Report
}

func (c *ledgerVerifyCommand) execute(ctx context.Context) error {
	noted, err := parseHead(c.head)
	if err != nil {
		return err
	}
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	report, err := db.VerifyLedgerSince(ctx, host, noted)
	if err != nil {
		return err
	}
	var faults []error
	for _, f := range report.Faults {
		faults = append(faults, errors.New(f.Text))
	}
	found := errors.Join(faults...)
	if c.output.json {
		return errors.Join(c.emitJSON(verifyAnswer{OK: found == nil, Report: report}), found)
	}
	facts := [][]string{{"ledger", report.Console}, {"entries", strconv.FormatInt(report.Entries, 10)}}
	if report.Head.Seq > 0 {
		facts = append(facts, []string{"head", fmt.Sprintf("%d:%s", report.Head.Seq, report.Head.Hash)})
	}
	if found != nil {
		faults := describe.Plural(len(report.Faults), "fault")
		c.emitTable(nil, append(facts, []string{"result", "NOT intact: " + faults}))
		return found
	}
	c.emitTable(nil, append(facts, []string{"result", "intact"}))
	if report.Head.Seq > 0 && c.head == "" {
		c.remark("store this head outside the database; pass it later as --head to prove that " +
			"nothing before it was rewritten")
	}
	return nil
}

func parseHead(text string) (ledger.Head, error) {
	if text == "" {
		return ledger.Head{}, nil
	}
	number, hash, found := strings.Cut(strings.TrimSpace(text), ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil || seq < 1 || len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return ledger.Head{}, usage(
			"--head: invalid head %q: write SEQ:HASH as `starter ledger verify` prints it", text)
	}
	return ledger.Head{Seq: seq, Hash: hash}, nil
}
