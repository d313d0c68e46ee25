package resources

import (
	"fmt"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
)

// sourceSSO is the source of users that single sign-on makes.
const sourceSSO = "sso_saml"

// NewPrincipal is a user or a service user.
func NewPrincipal(p access.Principal) *v2.Resource {
	first, last := splitName(p.Name)
	about := profile{
		"first_name": first, "last_name": last, "user_id": p.ID, "level": string(p.Level),
		"roles_read_only": p.RolesReadOnly, "description": p.Description,
	}
	trait := &v2.UserTrait{AccountType: v2.UserTrait_ACCOUNT_TYPE_SERVICE}
	if p.Kind == access.User {
		about["login"] = p.Email
		about["source"], about["email_verified"], about["is_system"] = p.Source, p.EmailVerified, p.IsSystem
		trait = userTrait(p)
	}
	if p.TokenExpiresAt != nil {
		about["api_token_expires_at"] = p.TokenExpiresAt.UTC().Format("2006-01-02T15:04:05Z")
	}
	shown := about.asStruct()
	trait.Profile = shown //nolint:staticcheck // where the stock connector has its profile
	//nolint:staticcheck // what is older reads the trait's status alone
	trait.Status = &v2.UserTrait_Status{Status: v2.UserTrait_Status_STATUS_ENABLED}
	out := &v2.Resource{
		Id: PrincipalID(p.Kind, p.ID), DisplayName: named(p.Name, "user", p.ID),
		Description: clip(p.Description, maxDescription), Profile: shown,
		Status: &v2.Status{Status: v2.Status_RESOURCE_STATUS_ENABLED},
	}
	if p.CreatedAt != nil {
		out.CreatedAt = timestamppb.New(*p.CreatedAt)
		trait.CreatedAt = out.GetCreatedAt() //nolint:staticcheck // what is older reads the trait's alone
	}
	if p.LastActiveAt != nil {
		trait.LastLogin = timestamppb.New(*p.LastActiveAt)
	}
	out.Annotations = pack(trait)
	return out
}

func userTrait(p access.Principal) *v2.UserTrait {
	out := &v2.UserTrait{
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN, Login: describe.Text(p.Email),
		MfaStatus: &v2.UserTrait_MFAStatus{MfaEnabled: p.TwoFAEnabled},
		SsoStatus: &v2.UserTrait_SSOStatus{SsoEnabled: p.Source == sourceSSO},
	}
	if p.IsSystem {
		out.AccountType = v2.UserTrait_ACCOUNT_TYPE_SYSTEM
	}
	if p.Email != "" {
		out.Emails = []*v2.UserTrait_Email{{Address: out.GetLogin(), IsPrimary: true}}
	}
	return out
}

// splitName splits as the stock connector does, so that its profiles stay.
func splitName(full string) (first, last string) {
	first, last, _ = strings.Cut(full, " ")
	return first, last
}

// PrincipalID is the id of the resource of a principal.
func PrincipalID(kind access.Kind, id string) *v2.ResourceId {
	if kind == access.ServiceUser {
		return resourceID(ServiceUser, id)
	}
	return resourceID(User, id)
}

// PrincipalOf is the principal that a resource id stands for.
func PrincipalOf(of *v2.ResourceId) (access.Kind, string, error) {
	switch of.GetResourceType() {
	case User:
		return access.User, of.GetResource(), nil
	case ServiceUser:
		return access.ServiceUser, of.GetResource(), nil
	}
	return "", "", fmt.Errorf("%s %s cannot hold a role: only users and service users can; choose one of them",
		of.GetResourceType(), of.GetResource())
}
