package main

import (
	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/selector"
)

// selectorFlags is what a request is about, as people write it.
type selectorFlags struct {
	user, serviceUser  string
	role, scope, level string
}

const targetHelp = `A user is given by e-mail, name or id, a service user by name or id, a role and a
scope by name or id: digits alone are an id. A site may be written "Account / Site", and
"tenant" is the whole tenant. Where --level is left out it is guessed from the last sync,
which is said. Names are looked up on the console; what matches nothing, or several things,
ends the request at once and lists them.`

func (t *selectorFlags) flags(cmd *cobra.Command) {
	t.personFlags(cmd)
	t.placeFlags(cmd, "")
}

// personFlags ask who.
func (t *selectorFlags) personFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.user, "user", "", "e-mail, name or id of a user")
	f.StringVar(&t.serviceUser, "service-user", "", "name or id of a service user")
	cmd.MarkFlagsMutuallyExclusive("user", "service-user")
	cmd.MarkFlagsOneRequired("user", "service-user")
}

// placeFlags ask which role, and where. The prefix begins each flag.
func (t *selectorFlags) placeFlags(cmd *cobra.Command, prefix string) {
	f := cmd.Flags()
	f.StringVar(&t.role, prefix+"role", "", "name or id of a role")
	f.StringVar(&t.scope, prefix+"scope", "", `name or id of an account or site, "Account / Site", or "tenant"`)
	f.StringVar(&t.level, prefix+"level", "", "what the scope is: tenant, account or site (default: guessed)")
	complete(cmd, prefix+"level", string(access.Tenant), string(access.AccountLevel), string(access.SiteLevel))
}

func (t selectorFlags) principal() (access.PrincipalSelector, error) {
	if t.serviceUser != "" {
		return selector.Principal(access.ServiceUser, t.serviceUser)
	}
	return selector.Principal(access.User, t.user)
}
