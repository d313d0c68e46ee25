package main

import (
	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/selector"
)

// selectorFlags say which principal, role and scope a request is about.
type selectorFlags struct {
	user, serviceUser  string
	role, scope, level string
}

const targetHelp = `Give a user by e-mail, name or id, a service user by name or id, a role and a scope by name or
id; digits alone are an id. A site may be written "Account / Site", and "tenant" is the whole
tenant. If --level is left out, it is taken from the last sync, and the command says so. The
worker looks names up on the console; a name that matches nothing, or several things, ends the
request at once and lists the matches.`

func (t *selectorFlags) flags(cmd *cobra.Command) {
	t.personFlags(cmd)
	t.placeFlags(cmd, "")
}

// personFlags say which principal.
func (t *selectorFlags) personFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.user, "user", "", "e-mail, name or id of a user")
	f.StringVar(&t.serviceUser, "service-user", "", "name or id of a service user")
	cmd.MarkFlagsMutuallyExclusive("user", "service-user")
	cmd.MarkFlagsOneRequired("user", "service-user")
}

// placeFlags say which role, and where. The prefix begins each flag.
func (t *selectorFlags) placeFlags(cmd *cobra.Command, prefix string) {
	f := cmd.Flags()
	f.StringVar(&t.role, prefix+"role", "", "name or id of a role")
	f.StringVar(&t.scope, prefix+"scope", "", `name or id of an account or site, "Account / Site", or "tenant"`)
	f.StringVar(&t.level, prefix+"level", "",
		"level of the scope: tenant, account or site (default: from the last sync)")
	complete(cmd, prefix+"level", string(access.Tenant), string(access.AccountLevel), string(access.SiteLevel))
}

func (t selectorFlags) principal() (access.PrincipalSelector, error) {
	if t.serviceUser != "" {
		return selector.Principal(access.ServiceUser, t.serviceUser)
	}
	return selector.Principal(access.User, t.user)
}
