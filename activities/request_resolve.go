package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/fault/kinds"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/wire"
)

// resolved is what a request names, as the console knows it now.
type resolved struct {
	principal  access.Principal
	self       bool // it owns the token
	role       access.RoleRef
	scope      access.ScopeRef
	unusable   string            // why the role cannot be granted at the scope
	scopes     []access.ScopeRef // of a request that lists several; nil for others
	accounts   map[string]string // of sites and accounts, their accounts' ids by the scope's
	predefined bool              // the role is predefined
	roles      []access.Role
	notes      []string
	policy     *policy.Policy // that the plan follows
	drift      *ledger.Drift  // the drift rule that has the system request it; nil for a person
	// existing are those that have the address or name of an requested account.
	existing []access.Principal
}

// place is a scope with what is needed to decide which roles can be granted there.
type place struct {
	access.ScopeRef

	accountID string // of a site
}

// resolve asks the console, not the store: a user made a minute ago is found, and one
// deleted since the last sync is not. Plans made at the same moment share the answers,
// those of one op, since what takes access away does not wait for the rate budget.
func (r *Request) resolve(ctx context.Context, in wire.PlanInput) (resolved, error) {
	var (
		out   resolved
		roles []access.Role
		at    []place
	)
	group, inner := errgroup.WithContext(ctx)
	if in.Account != nil {
		group.Go(func() (err error) {
			out.existing, err = matchingAccounts(inner, r.console, *in.Account)
			return err
		})
	} else {
		group.Go(func() error { return r.resolvePrincipal(inner, in, &out) })
	}
	if !namesNoRole(in.Op) {
		group.Go(func() (err error) {
			roles, err = coalesce(inner, r.reads, r.console.AllRoles, in.Op, "roles")
			return err
		})
		group.Go(func() (err error) {
			at, err = r.findScopes(inner, in)
			return err
		})
	}
	if err := group.Wait(); err != nil || namesNoRole(in.Op) {
		return out, asInvalid(err)
	}
	out.roles = roles
	return out, asInvalid(out.setRole(in, at))
}

// namesNoRole says that requests of the operation are about a principal alone.
func namesNoRole(op access.Op) bool { return op == access.OpDelete || op == access.OpRotate }

// resolvePrincipal finds whose roles the request is about, and whether it is the person who
// owns the token.
func (r *Request) resolvePrincipal(ctx context.Context, in wire.PlanInput, out *resolved) error {
	var own string
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		out.principal, err = coalesce(inner, r.reads, func(ctx context.Context) (access.Principal, error) {
			return r.findPrincipal(ctx, in)
		}, in.Op, in.Principal)
		return err
	})
	group.Go(func() error {
		own = r.self.id(inner, r.console)
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	out.self = own != "" && own == out.principal.ID
	if own == "" {
		out.notes = append(out.notes, "the console does not report the owner of the worker's token, "+
			"so it may be this principal's own")
		out.unusable = r.likelyOwnToken(ctx, in.Op, out.principal)
	}
	return nil
}

// asInvalid makes a name that matches nothing a final error.
func asInvalid(err error) error {
	if _, ok := errors.AsType[*access.NoMatchError](err); ok {
		return kinds.New(kinds.Invalid, err)
	}
	return err
}

// isNotFound says that the console knows no such thing, or does not show it to the token.
func isNotFound(err error) bool {
	answer, ok := errors.AsType[*console.Error](err)
	return ok && answer.Kind == console.KindStatus && answer.Status == http.StatusNotFound
}

func (r *Request) findPrincipal(ctx context.Context, in wire.PlanInput) (access.Principal, error) {
	s := in.Principal
	if s.ID != "" {
		read := r.people.find
		if endsAccess(in.Op) { // which does not wait for the rate budget
			read = r.console.Principal
		}
		p, err := read(ctx, s.Kind, s.ID)
		if isNotFound(err) {
			return p, &access.NoMatchError{What: s.String()}
		}
		return p, err
	}
	found, err := r.principalsNamed(ctx, s)
	if err != nil {
		return access.Principal{}, err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return access.Principal{}, &access.NoMatchError{What: s.String(), Similar: r.similarPrincipals(ctx, s)}
	}
	return access.Principal{}, &access.NoMatchError{What: s.String(), Matches: listTexts(found, principalText)}
}

func (r *Request) principalsNamed(
	ctx context.Context, s access.PrincipalSelector,
) (found []access.Principal, err error) {
	byName := r.console.UsersByName
	switch {
	case s.Kind == access.ServiceUser:
		byName = r.console.ServiceUsersByName
	case s.Email != "":
		return r.console.UsersByEmail(ctx, s.Email)
	}
	for _, name := range access.Spellings(s.Name) {
		if found, err = byName(ctx, name); err != nil || len(found) > 0 {
			break
		}
	}
	return found, err
}

// similarPrincipals is for the message alone: failing to read them is not an error.
func (r *Request) similarPrincipals(ctx context.Context, s access.PrincipalSelector) []string {
	if s.Kind != access.User {
		return nil
	}
	name, _, _ := strings.Cut(s.Email+s.Name, "@") // one of them is empty
	found, err := r.console.SearchUsers(ctx, name)
	if err != nil {
		return nil
	}
	return listTexts(found, principalText)
}

func principalText(p access.Principal) string {
	name := p.Email
	if name == "" {
		name = p.Name
	}
	return fmt.Sprintf("%s (%s)", access.Typable(name), p.ID)
}

func scopeText(s access.ScopeRef) string {
	if s.Level == access.Tenant {
		return "the tenant"
	}
	return fmt.Sprintf("%s %q (%s)", s.Level, s.Name, s.ID)
}

// maxListed is how many matches a message lists.
const maxListed = 10

func listTexts[T any](values []T, text func(T) string) []string {
	var out []string
	for i, v := range values {
		if i == maxListed {
			return append(out, fmt.Sprintf("and %d more", len(values)-maxListed))
		}
		out = append(out, describe.Text(text(v))) // the console's names
	}
	return out
}
