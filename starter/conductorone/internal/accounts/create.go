package accounts

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/selector"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/provision"
)

// creation is an account to create, as ConductorOne requests it.
type creation struct {
	requestclient.NewRequest

	account access.NewAccount
	look    requestclient.Input // of its dry run
}

// CreateAccount requests a user with one role. While the request waits for people the answer is ActionRequired.
func (u Users) CreateAccount(
	ctx context.Context, info *v2.AccountInfo, _ *v2.LocalCredentialOptions,
) (connectorbuilder.CreateAccountResponse, []*v2.PlaintextData, annotations.Annotations, error) {
	if u.Config == nil {
		return nil, nil, nil, errOnlyReads
	}
	c, err := u.creation(ctx, profileOf(info))
	if err != nil {
		return nil, nil, nil, explain.Read(err)
	}
	out, err := u.create(ctx, c)
	return out, nil, nil, explain.Read(err)
}

// CreateAccount requests a service user with one role. The worker stores its token (SERVICE_USER_TOKEN_DIR or
// SERVICE_USER_TOKEN_COMMAND); the answer does not contain it.
func (s ServiceUsers) CreateAccount(
	ctx context.Context, info *v2.AccountInfo, _ *v2.LocalCredentialOptions,
) (connectorbuilder.CreateAccountResponse, []*v2.PlaintextData, annotations.Annotations, error) {
	if s.Config == nil {
		return nil, nil, nil, errOnlyReads
	}
	c, err := s.creation(ctx, profileOf(info))
	if err != nil {
		return nil, nil, nil, explain.Read(err)
	}
	out, err := s.create(ctx, c)
	return out, nil, nil, explain.Read(err)
}

func (u Users) creation(ctx context.Context, p profile) (creation, error) {
	in := wire.ProvisionUserInput{
		Email: p.email(), FullName: p.fullName(), Requester: u.Requester, Reason: p.reason(), Console: u.Console,
	}
	var err error
	if in.Role, in.Scope, err = u.roleAndScope(ctx, p); err != nil {
		return creation{}, err
	}
	if err := in.Validate(); err != nil {
		return creation{}, p.fault(err)
	}
	id, look := u.creationID(access.User, access.Fold(in.Email), in.Role, in.Scope), in
	look.DryRun = true
	return creation{account: in.Account(), look: &look, NewRequest: requestclient.NewRequest{
		Type: wire.ProvisionUserType, ID: id, Input: &in, Again: true,
		Summary: "create a user at " + string(in.Scope.Level) + " level",
	}}, nil
}

func (s ServiceUsers) creation(ctx context.Context, p profile) (creation, error) {
	life, err := p.tokenLife()
	if err != nil {
		return creation{}, err
	}
	in := wire.ProvisionServiceUserInput{
		Name: p.text(nameField), Description: p.text(descriptionField), TokenLife: &life,
		Requester: s.Requester, Reason: p.reason(), Console: s.Console,
	}
	if in.Role, in.Scope, err = s.roleAndScope(ctx, p); err != nil {
		return creation{}, err
	}
	if err := in.Validate(s.Now()); err != nil {
		return creation{}, p.fault(err)
	}
	id, look := s.creationID(access.ServiceUser, access.FoldLabel(in.Name), in.Role, in.Scope), in
	look.DryRun = true
	return creation{account: in.Account(s.Now()), look: &look, NewRequest: requestclient.NewRequest{
		Type: wire.ProvisionServiceUserType, ID: id, Input: &in, Again: true,
		Summary: "create a service user at " + string(in.Scope.Level) + " level",
	}}, nil
}

// creationID is the workflow id of the request for an account.
func (c *Config) creationID(
	kind access.Kind, name string, role access.RoleSelector, scope access.ScopeSelector,
) string {
	return wire.ProvisionID(provision.RequestKey("create", c.Console, string(kind), name, role.ID, role.Name,
		string(scope.Level), scope.ID, scope.Name))
}

// roleAndScope reads which role at which scope the account gets.
func (c *Config) roleAndScope(ctx context.Context, p profile) (
	role access.RoleSelector, scope access.ScopeSelector, err error,
) {
	for _, name := range []string{roleField, scopeField} {
		if p.text(name) == "" {
			return role, scope, p.missing(name)
		}
	}
	if role, err = selector.Role(p.text(roleField)); err != nil {
		return role, scope, p.fault(err)
	}
	known, err := c.Lookup.Scopes(ctx)
	if err != nil {
		return role, scope, err
	}
	scope, _, err = selector.Scope(p.text(scopeField), p.text(levelField), known)
	if unknown, is := errors.AsType[*selector.LevelError](err); is {
		return role, scope, invalid("cannot create the account: %v: set %s to account or site", unknown, levelField)
	}
	if err != nil {
		return role, scope, p.fault(err)
	}
	return role, scope, nil
}

// create has the account created, and says how far it is.
func (c *Config) create(ctx context.Context, in creation) (connectorbuilder.CreateAccountResponse, error) {
	switch made, is, err := c.existing(ctx, in); {
	case err != nil:
		return nil, err
	case is:
		return there(made), nil
	}
	seen, run, err := c.await(ctx, in.NewRequest, never)
	switch {
	case err != nil:
		return nil, err
	case !seen.Over:
		return &v2.CreateAccountResponse_ActionRequiredResult{
			IsCreateAccountResult: true, Message: pendingText(in.ID, seen, "create the account again"),
		}, nil
	case seen.State() != wire.StateProvisioned:
		return c.createdBefore(ctx, in, run, seen)
	}
	record, err := c.proven(ctx, in.NewRequest, run, seen.State(), isCreated)
	if err != nil {
		return nil, err
	}
	if made, is := created(record); is {
		return &v2.CreateAccountResponse_SuccessResult{IsCreateAccountResult: true, Resource: resourceOf(made)}, nil
	}
	return there(named(record.Plan.Plan.Principal, in.account)), nil // somebody had created it, with the role
}

// createdBefore finds the account that the same request has created before, so that this time it was refused.
func (c *Config) createdBefore(
	ctx context.Context, in creation, run ledger.Run, seen requestrecord.Observation,
) (connectorbuilder.CreateAccountResponse, error) {
	runs, err := c.Ledger.Runs(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var existing string // whom the refused plan has found
	for _, r := range slices.Backward(runs) {
		if r.Run == run {
			existing = r.Plan.Plan.Principal.ID
			continue
		}
		made, is := created(r)
		if is && made.ID == existing && !isOtherPlan(in.NewRequest, r.Plan.Plan) {
			return there(made), nil
		}
	}
	return nil, failure(in.ID, seen)
}

func there(p access.PrincipalRef) connectorbuilder.CreateAccountResponse {
	return &v2.CreateAccountResponse_AlreadyExistsResult{IsCreateAccountResult: true, Resource: resourceOf(p)}
}

// never is that a request is not done before its end.
func never(wire.RequestStatus) bool { return false }

// named is a principal of a plan with the names that were requested, where it has none.
func named(p access.PrincipalRef, a access.NewAccount) access.PrincipalRef {
	p.Name, p.Email = cmp.Or(p.Name, a.Name), cmp.Or(p.Email, a.Email)
	return p
}

func (p profile) tokenLife() (access.Duration, error) {
	text := p.text(tokenLifeField)
	if text == "" {
		return 0, p.missing(tokenLifeField)
	}
	life, err := timetext.Duration(text)
	if err != nil {
		return 0, invalid("cannot create the account: %s: %v", tokenLifeField, err)
	}
	return access.Duration(life.Truncate(time.Second)), nil
}

// missing says which field the account lacks.
func (profile) missing(field string) error {
	return invalid("cannot create the account: %s is missing: %s. Add it to the account's provisioning attributes",
		field, lowerFirst(fields[field].description))
}

// fault says why an account cannot be requested.
func (profile) fault(err error) error {
	return invalid("cannot create the account: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
}

func lowerFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}
