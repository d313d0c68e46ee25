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

	head, key, console string
	seal               bool
}

func newLedgerVerifyCommand(a *app) *cobra.Command {
	c := &ledgerVerifyCommand{app: a}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify the hashes, seals and signatures of the ledger",
		Long: `Read the whole ledger and verify: every hash, every seal, the signatures of people in it, and
that the newest head that left the database is still in it: the newest results of
requests and syncs in Temporal carry heads. Each fault is printed on a line, and the exit
code is then 1.

The owner of the database can rewrite all of it. What shows that comes from elsewhere:
the public key of the worker (LEDGER_KEY_FILE, or --key), the heads in Temporal, or a head
noted earlier (--head): the command prints the head, number and hash of the last entry.
Where something could not be verified, the command says so, and the exit code is 2.`,
		Example: `  starter ledger verify
  starter ledger verify --key ledger.pub
  starter ledger verify --head 1204:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  starter ledger verify --seal | bash`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	cmd.Flags().StringVar(&c.head, "head", "", "number and hash of an entry, printed by an earlier run: SEQ:HASH")
	cmd.Flags().StringVar(&c.key, "key", "",
		"file of the worker's public key (default: that of LEDGER_KEY_FILE, where it can be read)")
	cmd.Flags().BoolVar(&c.seal, "seal", false,
		"print the command with which ssh-keygen verifies the newest seal, instead of the result")
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
	keys, err := c.sealingKeys()
	if err != nil {
		return err
	}
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	known, unasked := c.headsInTemporal(ctx, host)
	if known, err = c.believed(ctx, db, host, keys, known); err != nil {
		return err
	}
	report, err := db.VerifyLedgerBy(ctx, host, verifyOptions(noted, keys, known))
	if err != nil {
		return err
	}
	if unasked != nil && noted == (ledger.Head{}) {
		report.Unchecked = append(report.Unchecked,
			fmt.Sprintf("whether the newest entries were removed: the heads in Temporal cannot be read (%v)", unasked))
	}
	if c.seal {
		return c.printSeal(report)
	}
	return c.print(report)
}

// print writes the result. Faults end in exit code 1, and what could not be verified in 2.
func (c *ledgerVerifyCommand) print(report ledger.Report) error {
	var faults, unchecked []error
	for _, f := range report.Faults {
		faults = append(faults, errors.New(f.Text))
	}
	for _, text := range report.Unchecked {
		unchecked = append(unchecked, usage("not verified: %s", text))
	}
	found, open := errors.Join(faults...), errors.Join(unchecked...)
	if found != nil {
		for _, text := range report.Unchecked {
			c.remark("not verified: %s", text)
		}
		open = nil
	}
	if c.output.json {
		return errors.Join(c.emitJSON(verifyAnswer{OK: found == nil && open == nil, Report: report}), found, open)
	}
	result := "intact"
	switch {
	case found != nil:
		result = "NOT intact: " + describe.Plural(len(report.Faults), "fault")
	case open != nil:
		result = "no fault found, and not all could be verified"
	}
	c.emitTable(nil, append(reportFacts(report), []string{"result", result}))
	if found == nil && report.Head.Seq > 0 && c.head == "" {
		c.remark("store this head outside the database; pass it later as --head to prove that " +
			"nothing before it was rewritten")
	}
	return errors.Join(found, open)
}

func reportFacts(report ledger.Report) [][]string {
	facts := [][]string{{"ledger", report.Console}, {"entries", strconv.FormatInt(report.Entries, 10)}}
	if report.Head.Seq > 0 {
		facts = append(facts, []string{"head", fmt.Sprintf("%d:%s", report.Head.Seq, report.Head.Hash)})
	}
	seals := "none: the ledger is not sealed"
	if s := report.Seals; s != nil {
		seals = fmt.Sprintf("%d, from entry %d on, by %s", s.Entries, s.From, s.Key)
	}
	return append(facts, []string{"seals", seals})
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
