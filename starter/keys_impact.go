package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/textfile"
)

type keysImpactCommand struct {
	*app

	console string
	all     bool
}

func newKeysImpactCommand(a *app) *cobra.Command {
	c := &keysImpactCommand{app: a}
	cmd := &cobra.Command{
		Use:   "impact FINGERPRINT",
		Short: "List what rests on a key, and what becomes of it once the key is revoked",
		Long: `List the requests that a key has signed, or that were decided with it, and the delegations that
it has signed, each with what becomes of it once the key is revoked:

  pending             the signature no longer counts: the request ends refused (unauthorized)
  approvedNotApplied  nothing is written: the request ends refused (unauthorized)
  held                access goes on to its end, and cannot be extended on that signature
  granted             permanent access stays: decide whether to revoke it
  delegations         count for nothing from then on, and neither do decisions made by them

The answer is from the ledger alone. FINGERPRINT is as in starter signers check, or the name of
a file with the public key. Ended requests are counted, and listed with --all.`,
		Example: `  starter keys impact SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDTULmyoAZ1lX0J8Ao
  starter keys impact carol.pub --all -o json`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error { return c.execute(ctx, args[0]) }),
		ValidArgsFunction: func(
			cmd *cobra.Command, args []string, typedText string,
		) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return c.completeKeys(cmd.Context(), typedText), cobra.ShellCompDirectiveDefault
		},
	}
	cmd.Flags().BoolVar(&c.all, "all", false, "also list requests that have ended")
	consoleFlag(cmd, &c.console)
	return cmd
}

func (c *keysImpactCommand) execute(ctx context.Context, key string) error {
	key, err := fingerprintArg(key)
	if err != nil {
		return err
	}
	db, host, err := c.openLedger(ctx, c.console)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	impact, err := requestrecord.Reader{Store: db, Console: host}.KeyImpact(ctx, key, c.now())
	if _, partly := errors.AsType[*requestrecord.UnreadableError](err); err != nil && !partly {
		return err
	}
	if c.output.json {
		return errors.Join(c.emitJSON(impact), err)
	}
	c.print(impact)
	return err
}

// fingerprintArg reads a fingerprint, or the file of a public key.
func fingerprintArg(arg string) (string, error) {
	if signing.IsFingerprint(arg) {
		return arg, nil
	}
	text, err := textfile.Read(arg)
	if err != nil {
		return "", usage("%q is neither a fingerprint, as in SHA256:…, nor a file with a public key: %w", arg, err)
	}
	key, err := signing.FingerprintOf(text)
	if err != nil {
		return "", usage("%s: %w", arg, err)
	}
	return key, nil
}

func (c *keysImpactCommand) print(impact requestrecord.KeyImpact) {
	var rows [][]string
	add := func(uses []requestrecord.KeyUse) {
		for _, u := range uses {
			until := ""
			if u.Until != nil {
				until = describe.Second(*u.Until)
			}
			rows = append(rows, []string{
				u.ID, describe.Text(u.What), describe.Text(strings.Join(u.Signed, ", ")), string(u.State), until,
				u.IfRevoked,
			})
		}
	}
	add(impact.Requests)
	for _, d := range impact.Delegations {
		rows = append(rows, []string{
			d.Request, fmt.Sprintf("%s decides for %s", describe.Person(d.To), describe.Person(d.By)), "the delegation",
			"in force", describe.Second(d.Until), d.IfRevoked,
		})
	}
	if c.all {
		add(impact.Ended)
	}
	if len(rows) > 0 {
		c.emitTable([]string{"request", "what", "signed by the key", "state", "until", "if the key is revoked"}, rows)
	} else {
		c.remark("nothing in force or pending at %s rests on %s", impact.Console, impact.Key)
	}
	if n := len(impact.Ended); n > 0 && !c.all {
		c.remark("note: the key also signed %s (--all lists them)", describe.Plural(n, "ended request"))
	}
}

// completeKeys offers the shell the keys of the file of allowed signers and those on record,
// each with its name. Errors are not reported: completion then has fewer candidates.
func (p *app) completeKeys(ctx context.Context, typedText string) []string {
	ctx, cancel := context.WithTimeout(ctx, completeFor)
	defer cancel()
	cfg, err := config.LoadUnchecked()
	if err != nil {
		return nil
	}
	p.cfg = cfg
	names := map[string]string{}
	if db, host, err := p.openLedger(ctx, ""); err == nil {
		names, _ = requestrecord.Reader{Store: db, Console: host}.Keys(ctx) // what was found in time
		_ = db.Close()
	}
	if cfg.Signing.Allowed != "" {
		report, _ := signing.InspectSigners(cfg.Signing.Allowed, "", p.now())
		for _, s := range report.Signers {
			names[s.Fingerprint] = strings.Join(s.Names, ",")
		}
	}
	var out []string
	for key, name := range names {
		if strings.HasPrefix(key, typedText) {
			out = append(out, cobra.CompletionWithDesc(key, describe.Text(name)))
		}
	}
	slices.Sort(out)
	return out
}
