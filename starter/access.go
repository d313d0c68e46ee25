package main

import (
	"cmp"
	"context"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/timetext"
)

type accessCommand struct {
	*app

	user, serviceUser string
	role, scope       string
	asOf, console     string
	inherited         bool
}

func newAccessCommand(a *app) *cobra.Command {
	c := &accessCommand{app: a}
	cmd := &cobra.Command{
		Use:   "access",
		Short: "List who has which role where",
		Long: `List who has which role where, by the last verified sync or the last one before --as-of.

Filters are combined; without any, every assignment is listed. Give a principal, role or
scope by name or id, a user also by e-mail, a site also as "Account / Site".
--inherited adds the roles that reach a site from its account or the tenant.

The origin says what the ledger knows of a role: baseline (there before us, or adopted), granted by a
request, leased until its end, or drift (see ` + "`starter drift`" + `). A table as of a time in the past has no origin.
A date in --as-of means the end of that day, UTC.`,
		Example: `  starter access --user ana@example.com
  starter access --scope "Acme / Berlin" --inherited
  starter access --role Admin --as-of 2026-03-03
  starter access --service-user svc.backup --as-of 24h -o json`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	f := cmd.Flags()
	f.StringVar(&c.user, "user", "", "e-mail, name or id of a user")
	f.StringVar(&c.serviceUser, "service-user", "", "name or id of a service user")
	f.StringVar(&c.role, "role", "", "name or id of a role")
	f.StringVar(&c.scope, "scope", "", `name or id of an account or site, "Account / Site", or "tenant"`)
	f.StringVar(&c.asOf, "as-of", "", "a time in the past: "+timeHelp)
	f.BoolVar(&c.inherited, "inherited", false, "include roles inherited from an account or the tenant")
	consoleFlag(cmd, &c.console)
	cmd.MarkFlagsMutuallyExclusive("user", "service-user")
	return cmd
}

// accessAnswer is the output for programs.
type accessAnswer struct {
	provenance
	Rows []store.AccessRow `json:"rows"`
}

func (c *accessCommand) execute(ctx context.Context) error {
	asOf, err := c.timeFlag("as-of", c.asOf, timetext.EndOfDay)
	if err != nil {
		return err
	}
	q, err := c.ask(ctx, c.console, asOf)
	if err != nil {
		return err
	}
	defer q.close()
	origins := false // what has never been held against the ledger has none
	if asOf == nil {
		summary, err := q.db.DriftSummary(ctx, q.host, c.now().UTC())
		if err != nil {
			return err
		}
		origins = !summary.At.IsZero()
	}
	return q.db.ReadAccess(ctx, c.query(q.host, asOf), func(rows iter.Seq2[store.AccessRow, error]) error {
		if origins {
			rows = withOrigins(ctx, q.db, q.host, c.now(), rows)
		}
		if c.output.json {
			return emitJSONRows(c.app, accessAnswer{provenance: q.basis(), Rows: []store.AccessRow{}}, rows)
		}
		c.explain(q)
		t := accessTable(c.inherited, origins)
		t.begin = func(n int) {
			if n == 0 {
				c.remark("no assignment matches")
			}
		}
		return emitRows(c.app, t, rows)
	})
}

func (c *accessCommand) query(host string, asOf *time.Time) store.AccessQuery {
	q := store.AccessQuery{Console: host, Role: c.role, Scope: c.scope, AsOf: asOf, Inherited: c.inherited}
	switch {
	case c.user != "":
		q.Kind, q.Principal = access.User, c.user
	case c.serviceUser != "":
		q.Kind, q.Principal = access.ServiceUser, c.serviceUser
	}
	return q
}

// accessTable shows names, with the id where one name stands for several things.
func accessTable(inherited, origins bool) rowTable[store.AccessRow] {
	header := []string{"principal", "kind", "role", "level", "scope", "since"}
	if inherited {
		header = append(header, "through")
	}
	if origins {
		header = append(header, "origin")
	}
	labels := &describe.Labels{}
	return rowTable[store.AccessRow]{
		header: header,
		note:   func(r store.AccessRow) { noteAccess(labels, r) },
		cells: func(r store.AccessRow) []string {
			line := append(accessCells(labels, r), describe.Minute(r.Since))
			if inherited {
				line = append(line, through(r.Via))
			}
			if origins {
				line = append(line, originText(r.Origin))
			}
			return line
		},
	}
}

// through names the scope that an inherited role comes from; "" for one held directly.
func through(via *store.Via) string {
	if via == nil {
		return ""
	}
	if via.Level == access.Tenant {
		return "tenant"
	}
	return string(via.Level) + " " + cmp.Or(via.ScopeName, via.ScopeID)
}
