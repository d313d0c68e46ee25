package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

type grantOptions struct {
	requestOptions

	lasts, until, start string
	allowLevelChange    bool
	breakGlass          bool
}

func (p *app) grantCommand() *cobra.Command {
	var o grantOptions
	cmd := &cobra.Command{
		Use:   "grant",
		Short: "Give a role, for good or for a time",
		Long: `Give a principal a role at a scope, for good or for a time, and prove it by reading it
back. It runs in the worker, which takes a role that is for a time back at its end,
whatever happens to this command, the worker or the console meanwhile.

` + targetHelp + `

Without --for or --until the role is for good.

Where the worker's policy asks for consent (without a policy file: one yes, by anyone but the
requester, within 72 h), the grant waits for it, and others give it with ` + "`starter approve`" + `;
--dry-run says whose. This command waits too, until the role is proven to be there; one that
starts later is only noted, unless --wait is given. Ctrl-C stops the waiting, not the grant;
--wait=false does not wait at all. Denied, or undecided in time, it exits 1. --dry-run exits 0
if it could be carried out, 1 if not.

With --break-glass it starts at once and is reviewed afterwards, where the policy lets it;
what nobody reviews in time is taken back.

A bare date in --start means the start of that day, in --until its end, both UTC.`,
		Example: `  starter grant --user ana@example.com --role SOC --scope "Acme / Berlin" --for 4h --reason INC-42
  starter grant --user ana@example.com --role SOC --scope Acme --level account --dry-run
  starter grant --service-user svc.backup --role Viewer --scope tenant --id CHG-7 -o json
  starter grant --user 418828136350235435 --role Admin --scope tenant --start 2026-03-03T08:00:00Z --until 2026-03-04`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = p.run(func(ctx context.Context, _ []string) error {
		o.waitSaid = cmd.Flags().Changed("wait")
		return p.grant(ctx, o)
	})
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.lasts, "for", "", "how long: 90m, 4h, 7d (default: for good)")
	f.StringVar(&o.until, "until", "", "until when: "+aheadHelp)
	f.StringVar(&o.start, "start", "", "from when on: "+aheadHelp+" (default: at once)")
	f.BoolVar(&o.allowLevelChange, "allow-level-change", false,
		"also if it takes away every role at the level the principal is at")
	f.BoolVar(&o.breakGlass, "break-glass", false,
		"start at once, where the policy lets it, and be reviewed afterwards; needs --reason")
	cmd.MarkFlagsMutuallyExclusive("for", "until")
	return cmd
}

func (p *app) grant(ctx context.Context, o grantOptions) error {
	in, id, err := p.grantInput(ctx, o)
	if err != nil {
		return err
	}
	return p.request(ctx, startRequest{
		kind: wire.GrantType, id: wire.GrantID(id), input: &in, summary: grantSummary(in),
		sign: o.signOptions, wait: o.wait, dryRun: o.dryRun, chosen: o.id != "",
		settled: func(s wire.RequestStatus) bool {
			later := s.State == wire.StateScheduled && o.start != "" && !o.waitSaid
			return s.State == wire.StateActive || later
		},
	})
}

func (p *app) grantInput(ctx context.Context, o grantOptions) (in wire.GrantInput, id string, err error) {
	duration, startAt, err := p.span(o)
	if err != nil {
		return in, "", err
	}
	if err := o.glass(startAt); err != nil {
		return in, "", err
	}
	w, err := p.requestSpec(ctx, o.requestOptions, wire.GrantID(""))
	if err != nil {
		return in, "", err
	}
	in = wire.GrantInput{
		Principal: w.principal, Role: w.role, Scope: w.scope, Requester: w.requester, Reason: o.reason,
		Duration: duration, StartAt: startAt, AllowLevelChange: o.allowLevelChange,
		BreakGlass: o.breakGlass, Console: w.console, DryRun: o.dryRun,
	}
	if err := in.Validate(p.now()); err != nil {
		return in, "", badConfiguration(err)
	}
	return in, w.id, nil
}

// glass says what --break-glass does not go with.
func (o grantOptions) glass(startAt *time.Time) error {
	switch {
	case !o.breakGlass:
		return nil
	case strings.TrimSpace(o.reason) == "":
		return usage("--break-glass needs --reason: say what cannot wait")
	case o.start != "":
		return usage("--break-glass starts at once: leave --start out")
	case startAt != nil:
		return usage("--break-glass starts at once: say how long with --for, not --until")
	}
	return nil
}

// span is how long the role is wanted (nil: for good) and from when on (nil: at once).
// An end is exact only if it counts from a start.
func (p *app) span(o grantOptions) (*access.Duration, *time.Time, error) {
	start, err := p.aheadFlag("start", o.start, timetext.StartOfDay)
	if err != nil {
		return nil, nil, err
	}
	if o.lasts != "" {
		d, err := timetext.Duration(o.lasts)
		if err != nil {
			return nil, nil, usage("--for: %w", err)
		}
		if d > wire.MaxDuration {
			return nil, nil, usage("--for: %s is too long: the longest is %s; leave it out for a role for good",
				o.lasts, access.Duration(wire.MaxDuration))
		}
		return new(access.Duration(d)), start, nil
	}
	until, err := p.aheadFlag("until", o.until, timetext.EndOfDay)
	if err != nil || until == nil {
		return nil, start, err
	}
	now := p.now().UTC()
	if start == nil {
		start = &now
	}
	switch {
	case !until.After(now):
		return nil, nil, usage("--until: %s is past", describe.Second(*until))
	case !until.After(*start):
		return nil, nil, usage("--until: it would end at %s, before it starts at %s",
			describe.Second(*until), describe.Second(*start))
	}
	return new(access.Duration(until.Sub(*start))), start, nil
}

// grantSummary is what Temporal's UI shows beside a grant. It is not encrypted.
func grantSummary(in wire.GrantInput) string {
	text := "permanent grant"
	if in.Duration != nil {
		text = "grant " + describe.Term(*in.Duration)
	}
	if in.BreakGlass {
		text = "break-glass " + text
	}
	return text + " at " + string(in.Scope.Level) + " level"
}
