package accounts

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/protobuf/types/known/structpb"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/timetext"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/provision"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

func grantForSchema() *v2.BatonActionSchema {
	return schema(GrantForAction, "Grant a role for a time",
		"Grants a role at a scope for a time. The worker removes it at the end, also if ConductorOne is away.",
		resourceField(principalArg, "Principal", "User or service user that gets the role", principalTypes...),
		resourceField(roleArg, "Role", "Role to grant", resources.Role),
		resourceField(scopeArg, "Scope", "Tenant, account or site at which the role holds", scopeTypes...),
		textField(durationArg, "Duration", "How long the role is granted: 90m, 4h, 7d", true),
		textField(reasonArg, "Reason", "Reason for the access, which approvers see", true),
	)
}

// grantFor requests a time-bound grant. The same request attaches to the one that runs, also while its access is in
// force.
func (a Actions) grantFor(ctx context.Context, args *structpb.Struct) (
	*structpb.Struct, annotations.Annotations, error,
) {
	in, err := a.grantForInput(args)
	if err != nil {
		return nil, nil, err
	}
	id := wire.GrantID(provision.RequestKey("grant_for", a.Console, string(in.Principal.Kind), in.Principal.ID,
		in.Role.ID, string(in.Scope.Level), in.Scope.ID, in.Duration.String()))
	r := requestclient.NewRequest{
		Type: wire.GrantType, ID: id, Input: &in, Again: true,
		Summary: "grant " + describe.Term(*in.Duration) + " at " + string(in.Scope.Level) + " level",
	}
	seen, run, err := a.await(ctx, r, isActive)
	if err != nil {
		return nil, nil, err
	}
	values := map[string]string{requestArg: id, stateResult: seen.State()}
	switch {
	case seen.Status != nil && isActive(*seen.Status):
		if _, err := a.proven(ctx, r, run, wire.StateActive, isInForce); err != nil {
			return nil, nil, err
		}
		if ends := seen.Status.EndsAt; ends != nil {
			values[endsAtResult] = describe.Second(*ends)
		}
		values[messageResult] = "granted: " + describe.State(wire.StateActive, nil, seen.Status.EndsAt) +
			". End it with action " + EndAction + ", ask for more time with action " + ExtendAction
		return answer(true, values), nil, nil
	case !seen.Over:
		values[messageResult] = pendingText(id, seen, "run the action again")
		return answer(false, values), nil, nil
	}
	return nil, nil, failure(id, seen)
}

func isActive(s wire.RequestStatus) bool { return s.State == wire.StateActive }

func (a Actions) grantForInput(args *structpb.Struct) (in wire.GrantInput, err error) {
	who, err := resourceArg(args, principalArg, principalTypes...)
	if err != nil {
		return in, err
	}
	role, err := resourceArg(args, roleArg, resources.Role)
	if err != nil {
		return in, err
	}
	at, err := resourceArg(args, scopeArg, scopeTypes...)
	if err != nil {
		return in, err
	}
	lasts, err := duration(args)
	if err != nil {
		return in, err
	}
	in = wire.GrantInput{
		Role: access.RoleSelector{ID: role.GetResource()}, Scope: scopeOf(at), Requester: a.Requester,
		Reason: text(args, reasonArg), Duration: &lasts, Console: a.Console,
	}
	in.Principal, _ = principalOf(who)
	if in.Reason == "" {
		return in, invalid("%s is missing: say why the access is needed, as in INC-42", reasonArg)
	}
	if err := in.Validate(a.Now()); err != nil {
		return in, invalid("cannot grant the role: %v", err)
	}
	return in, nil
}

// scopeOf is the scope that a resource stands for.
func scopeOf(id *v2.ResourceId) access.ScopeSelector {
	switch id.GetResourceType() {
	case resources.Account:
		return access.ScopeSelector{Level: access.AccountLevel, ID: id.GetResource()}
	case resources.Site:
		return access.ScopeSelector{Level: access.SiteLevel, ID: id.GetResource()}
	}
	return access.ScopeSelector{Level: access.Tenant}
}

func duration(args *structpb.Struct) (access.Duration, error) {
	given := text(args, durationArg)
	if given == "" {
		return 0, invalid("%s is missing: write a length of time, as in 4h", durationArg)
	}
	d, err := timetext.Duration(given)
	if err != nil {
		return 0, invalid("%s: %v", durationArg, err)
	}
	return access.Duration(d), nil
}
