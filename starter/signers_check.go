package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/signing"
)

type signersCheckCommand struct {
	*app

	revoked string // --revoked
}

func newSignersCheckCommand(a *app) *cobra.Command {
	c := &signersCheckCommand{app: a}
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say who may sign with which key until when, and what is wrong",
		Long: `Read a file of allowed signers as the worker does, and say who may sign with which key until
when. Warnings name lines that let more or fewer people sign than it seems: patterns such as
*@example.com, a key that serves several names (in one request they are one person), keys that
have expired or soon do, revoked keys, short RSA keys.

` + signersFileHelp + `

Exit codes: 0, a worker starts with the file and a key in it is valid now, also with warnings;
1, it has faults or no valid key; 2, no file was named.`,
		Example: `  starter signers check allowed_signers
  starter signers check --revoked revoked -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(_ context.Context, args []string) error { return c.execute(strings.Join(args, "")) }),
	}
	cmd.Flags().StringVar(&c.revoked, "revoked", "", "file of revoked keys (default: that of ALLOWED_SIGNERS_REVOKED)")
	return cmd
}

func (c *signersCheckCommand) execute(named string) error {
	path, err := c.signersFile(named)
	if err != nil {
		return err
	}
	report, err := signing.InspectSigners(path, cmp.Or(c.revoked, c.cfg.Signing.Revoked), c.now())
	if err != nil {
		return err
	}
	if c.output.json {
		return errors.Join(c.emitJSON(report), signersFault(report))
	}
	if len(report.Signers) > 0 {
		c.emitTable([]string{"line", "names", "key", "type", "until", "state"}, signerRows(report))
	}
	for _, w := range report.Warnings {
		c.remark("warning: %s", describe.Text(w.String()))
	}
	return signersFault(report)
}

func signerRows(report signing.SignersReport) [][]string {
	rows := make([][]string, len(report.Signers))
	for i, s := range report.Signers {
		until := "no end"
		if s.ValidBefore != nil {
			until = describe.Second(*s.ValidBefore)
		}
		rows[i] = []string{
			strconv.Itoa(s.Line), describe.Text(strings.Join(s.Names, ", ")), s.Fingerprint, s.KeyType, until,
			string(s.State),
		}
	}
	return rows
}

// signersFault joins the faults of a file; nil if a worker can use it.
func signersFault(report signing.SignersReport) error {
	if report.OK {
		return nil
	}
	var all []error
	for _, f := range report.Faults {
		all = append(all, errors.New(describe.Text(f.String())))
	}
	if len(all) == 0 {
		return fmt.Errorf("%s has no key that may sign now: add one with `starter signers add`", report.File)
	}
	return errors.Join(all...)
}
