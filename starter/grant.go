package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
)

type grantOptions struct {
	requestOptions

	lasts, until, start string
	allowLevelChange    bool
	breakGlass          bool
	furtherScopes       []string
}

func (p *app) grantCommand() *cobra.Command {
	var o grantOptions
	cmd := &cobra.Command{
		Use:   "grant",
		Short: "Grant a role, permanent or time-bound",
		Long: `Grant a principal a role at a scope, permanent or time-bound, and verify it on the console.
The grant runs in the worker, which removes a time-bound role at its end, even if this
command, the worker or the console was down in between.

` + targetHelp + `

With --scope passed several times, for scopes of one level, it is one request: one plan, one
approval, one write and one receipt.

Without --for or --until the grant is permanent.

If the worker's policy requires approvals (without a policy file: one, by anyone but the
requester, within 72 h), the grant is pending until others give them with ` + "`starter approve`" + `;
--dry-run lists the approvers. This command waits until the role is verified; for a grant that
starts later it returns at once, unless --wait is given. Ctrl-C stops waiting, not the grant;
--wait=false does not wait at all. If the request is denied or times out, the exit code is 1.
With --dry-run it is 0 if the grant is possible, 1 if not.

With --break-glass the grant starts at once and is reviewed afterwards, if the policy allows
it; without a review in time the role is removed.

A date in --start means the start of that day, in --until its end, both UTC.`,
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
	repeat(f.Lookup("scope"), &o.furtherScopes)
	f.StringVar(&o.lasts, "for", "", "duration: 90m, 4h, 7d (default: permanent)")
	f.StringVar(&o.until, "until", "", "end: "+aheadHelp)
	f.StringVar(&o.start, "start", "", "start: "+aheadHelp+" (default: now)")
	f.BoolVar(&o.allowLevelChange, "allow-level-change", false,
		"allow a level change even though it removes all roles at the current level")
	f.BoolVar(&o.breakGlass, "break-glass", false,
		"start at once and be reviewed afterwards, if the policy allows it; needs --reason")
	cmd.MarkFlagsMutuallyExclusive("for", "until")
	return cmd
}

func (p *app) grant(ctx context.Context, o grantOptions) error {
	in, id, err := p.grantInput(ctx, o)
	if err != nil {
		return err
	}
	return p.request(ctx, startRequest{
		NewRequest: requestclient.NewRequest{
			Type: wire.GrantType, ID: wire.GrantID(id), Input: &in, Summary: grantSummary(in),
		},
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
	if err := o.checkBreakGlass(startAt); err != nil {
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
	if err := p.addScopes(ctx, &in, o); err != nil {
		return in, "", err
	}
	if err := in.Validate(p.now()); err != nil {
		return in, "", badConfiguration(err)
	}
	return in, w.id, nil
}

// checkBreakGlass refuses flags that --break-glass excludes.
func (o grantOptions) checkBreakGlass(startAt *time.Time) error {
	switch {
	case !o.breakGlass:
		return nil
	case strings.TrimSpace(o.reason) == "":
		return usage("--break-glass needs --reason: state the emergency")
	case o.start != "":
		return usage("--break-glass starts at once: omit --start")
	case startAt != nil:
		return usage("--break-glass starts at once: pass --for, not --until")
	}
	return nil
}

// span returns the duration of the role (nil: permanent) and its start (nil: at once).
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
			return nil, nil, usage("--for: %s is too long: the maximum is %s; omit it for a permanent role",
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
		return nil, nil, usage("--until: %s is in the past", describe.Second(*until))
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
	level := in.Scope.Level
	if len(in.Scopes) > 0 {
		level = in.Scopes[0].Level
	}
	return text + " at " + string(level) + " level"
}
