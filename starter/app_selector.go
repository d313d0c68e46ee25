package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/store"
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
		return principalNamed(access.ServiceUser, t.serviceUser)
	}
	return principalNamed(access.User, t.user)
}

// principalNamed reads a principal as people write it.
func principalNamed(kind access.Kind, text string) (access.PrincipalSelector, error) {
	text = strings.TrimSpace(text)
	s := access.PrincipalSelector{Kind: kind}
	switch {
	case digits(text):
		s.ID = text
	case kind == access.User && strings.Contains(text, "@"):
		s.Email = text
	default:
		s.Name = text
	}
	return s, s.Validate()
}

// roleNamed reads a role as people write it.
func roleNamed(text string) (access.RoleSelector, error) {
	text = strings.TrimSpace(text)
	s := access.RoleSelector{Name: text}
	if digits(text) {
		s = access.RoleSelector{ID: text}
	}
	return s, s.Validate()
}

// scopeNamed reads a scope as people write it. A level that is left out is guessed
// where it is clear; the guess is a sentence then.
func scopeNamed(text, level string, known store.Directory) (s access.ScopeSelector, guess string, err error) {
	text = strings.TrimSpace(text)
	s = access.ScopeSelector{Level: access.ParseLevel(level)}
	if text == string(access.Tenant) && (s.Level == "" || s.Level == access.Tenant) {
		return access.ScopeSelector{Level: access.Tenant}, "", nil
	}
	if s.Level == "" && text != "" {
		if s.Level, guess, err = levelOf(text, known); err != nil {
			return s, "", err
		}
	}
	if digits(text) {
		s.ID = text
	} else {
		s.Name = text
	}
	if s.Level == "" {
		return s, "", fmt.Errorf("which scope is not said: give an account, a site, or %q", access.Tenant)
	}
	return s, guess, s.Validate()
}

// levelOf guesses what kind of scope a text names.
func levelOf(text string, known store.Directory) (access.Level, string, error) {
	found, _ := known.ScopesNamed(text) // the console may know what the last sync did not
	var levels []access.Level
	for _, f := range found {
		if !slices.Contains(levels, f.Level) {
			levels = append(levels, f.Level)
		}
	}
	switch {
	case len(levels) > 1:
		return "", "", fmt.Errorf("%q is the name of an account and of a site: say which by its level, "+
			"account or site", text)
	case len(levels) == 1:
		return levels[0], fmt.Sprintf("%q is taken for %s, as the last sync has it", text, an(levels[0])), nil
	case strings.Contains(text, " / "):
		return access.SiteLevel, fmt.Sprintf("%q is taken for a site, as it is written", text), nil
	}
	return "", "", fmt.Errorf("what %q is cannot be told, since no sync has seen it: say its level, "+
		"account or site", text)
}

func an(level access.Level) string {
	if level == access.AccountLevel {
		return "an account"
	}
	return "a " + string(level)
}

// digits says that the text is an id.
func digits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }
