package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/store"
)

// requestOptions are what grants and revokes have in common.
type requestOptions struct {
	selectorFlags
	signOptions

	reason, requester string
	id                string
	wait, dryRun      bool
	waitSaid          bool // --wait was passed, with either value
}

func (o *requestOptions) flags(cmd *cobra.Command) {
	o.selectorFlags.flags(cmd)
	o.recordFlags(cmd)
	_ = cmd.MarkFlagRequired("role") // fails only if the flag does not exist
}

// recordFlags are those of every request.
func (o *requestOptions) recordFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", "reason, for the audit trail: a ticket, a sentence")
	requesterFlag(cmd, &o.requester)
	f.StringVar(&o.id, "id", "", "id of the request, such as a ticket number (default: a random one)")
	f.BoolVar(&o.wait, "wait", true, "wait until the change is verified; --wait=false returns at once")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the plan without changing anything")
	o.signOptions.flags(cmd)
}

func requesterFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "requester", defaultActor(), "requester, for the audit trail")
}

// requestSpec is what a request asks for, read and checked.
type requestSpec struct {
	principal access.PrincipalSelector
	role      access.RoleSelector
	scope     access.ScopeSelector
	requester string
	console   string // "" if none is configured here
	id        string // without prefix
}

// requestSpec reads the flags. It prints each inferred value.
func (p *app) requestSpec(ctx context.Context, o requestOptions, prefix string) (w requestSpec, err error) {
	if w, err = p.record(o, prefix); err != nil {
		return w, err
	}
	if w.principal, err = o.principal(); err != nil {
		return w, usage("%w", err)
	}
	w.role, w.scope, err = p.roleAndScope(ctx, o.selectorFlags, "")
	return w, err
}

// record reads the fields that every request has.
func (p *app) record(o requestOptions, prefix string) (w requestSpec, err error) {
	if w.requester, err = requester(o.requester); err != nil {
		return w, err
	}
	if w.console, err = p.configuredConsole(); err != nil {
		return w, err
	}
	w.id = requestclient.NewID()
	if o.id != "" {
		if w.id, err = chosenID(o.id, prefix); err != nil {
			return w, err
		}
	}
	return w, nil
}

// roleAndScope reads the role and the scope. It prints each inferred value.
func (p *app) roleAndScope(
	ctx context.Context, t selectorFlags, prefix string,
) (role access.RoleSelector, scope access.ScopeSelector, err error) {
	if role, err = selector.Role(t.role); err != nil {
		return role, scope, usage("--%srole: %w", prefix, err)
	}
	scope, inferred, err := selector.Scope(t.scope, t.level, p.directory(ctx))
	if _, unknown := errors.AsType[*selector.LevelError](err); unknown {
		return role, scope, usage("--%[1]sscope: %[2]w: pass --%[1]slevel account or --%[1]slevel site", prefix, err)
	}
	if err != nil {
		return role, scope, usage("--%[1]sscope, --%[1]slevel: %[2]w", prefix, err)
	}
	if inferred != "" {
		p.remark("%s; pass --%slevel if it is not", inferred, prefix)
	}
	return role, scope, nil
}

func requester(text string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", usage("requester unknown: pass --requester, as in --requester bob@example.com")
	}
	return text, badConfiguration(access.ValidPerson("--requester", text))
}

// directory returns the names in the store; empty if the store cannot be read. Names are
// optional here.
func (p *app) directory(ctx context.Context) store.Directory {
	db, host, err := p.openLedger(ctx, "")
	if err != nil {
		return store.Directory{}
	}
	defer func() { _ = db.Close() }()
	known, err := db.Directory(ctx, host)
	if err != nil {
		return store.Directory{}
	}
	return known
}
