package main

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

type accessOptions struct {
	user, serviceUser string
	role, scope       string
	asOf, console     string
	inherited         bool
}

func (p *app) accessCommand() *cobra.Command {
	var o accessOptions
	cmd := &cobra.Command{
		Use:   "access",
		Short: "Who has which role where",
		Long: `Who has which role where, by the last proven sync, or by the one of another time.

Filters are combined; without any, everything is listed. A principal, a role or a
scope can be given by name or by id; a user by e-mail too; a site as "Account / Site".
--inherited also explains roles that reach a site from its account or the tenant.

A bare date in --as-of means the end of that day, UTC.`,
		Example: `  starter access --user ana@example.com
  starter access --scope "Acme / Berlin" --inherited
  starter access --role Admin --as-of 2026-03-03
  starter access --service-user svc.backup --as-of 24h -o json`,
		Args: cobra.NoArgs,
		RunE: p.run(func(ctx context.Context, _ []string) error { return p.access(ctx, o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.user, "user", "", "e-mail, name or id of a user")
	f.StringVar(&o.serviceUser, "service-user", "", "name or id of a service user")
	f.StringVar(&o.role, "role", "", "name or id of a role")
	f.StringVar(&o.scope, "scope", "", `name or id of an account or site, "Account / Site", or "tenant"`)
	f.StringVar(&o.asOf, "as-of", "", "a time in the past: "+timeHelp)
	f.BoolVar(&o.inherited, "inherited", false, "also roles that reach down from an account or the tenant")
	consoleFlag(cmd, &o.console)
	cmd.MarkFlagsMutuallyExclusive("user", "service-user")
	return cmd
}

// accessAnswer is the output for programs.
type accessAnswer struct {
	provenance
	Rows []store.AccessRow `json:"rows"`
}

func (p *app) access(ctx context.Context, o accessOptions) error {
	asOf, err := p.timeFlag("as-of", o.asOf, endOfDay)
	if err != nil {
		return err
	}
	q, err := p.ask(ctx, o.console, asOf)
	if err != nil {
		return err
	}
	defer q.close()
	rows, err := q.db.Access(ctx, o.query(q.host, asOf))
	if err != nil {
		return err
	}
	if p.output.json {
		return p.emitJSON(accessAnswer{provenance: q.basis(), Rows: orEmpty(rows)})
	}
	p.explain(q)
	if len(rows) == 0 {
		p.remark("no role matches")
		return nil
	}
	p.emitTable(accessTable(rows, o.inherited))
	return nil
}

func (o accessOptions) query(host string, asOf *time.Time) store.AccessQuery {
	q := store.AccessQuery{Console: host, Role: o.role, Scope: o.scope, AsOf: asOf, Inherited: o.inherited}
	switch {
	case o.user != "":
		q.Kind, q.Principal = access.User, o.user
	case o.serviceUser != "":
		q.Kind, q.Principal = access.ServiceUser, o.serviceUser
	}
	return q
}

// accessTable shows names, with the id where one name stands for several things.
func accessTable(rows []store.AccessRow, inherited bool) (header []string, lines [][]string) {
	header = []string{"principal", "kind", "role", "level", "scope", "since"}
	if inherited {
		header = append(header, "through")
	}
	labels := accessLabels(rows)
	for _, r := range rows {
		line := append(accessCells(labels, r), describe.Minute(r.Since))
		if inherited {
			line = append(line, through(r.Via))
		}
		lines = append(lines, line)
	}
	return header, lines
}

// through says where an inherited role is held; nothing for one held right here.
func through(via *store.Via) string {
	if via == nil {
		return ""
	}
	if via.Level == access.Tenant {
		return "tenant"
	}
	return string(via.Level) + " " + cmp.Or(via.ScopeName, via.ScopeID)
}
