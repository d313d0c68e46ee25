package accounts

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/resources"
)

// Users creates and deletes users.
type Users struct{ *Config }

// ServiceUsers creates and deletes service users.
type ServiceUsers struct{ *Config }

// Getter reads single resources of all types.
type Getter struct{ Lookup Lookup }

// CreateAccountCapabilityDetails says that users are created without a password: the console invites them.
func (Users) CreateAccountCapabilityDetails(context.Context) (
	*v2.CredentialDetailsAccountProvisioning, annotations.Annotations, error,
) {
	return noPassword(), nil, nil
}

// CreateAccountCapabilityDetails says that service users are created without a password: the worker stores their
// token.
func (ServiceUsers) CreateAccountCapabilityDetails(context.Context) (
	*v2.CredentialDetailsAccountProvisioning, annotations.Annotations, error,
) {
	return noPassword(), nil, nil
}

func noPassword() *v2.CredentialDetailsAccountProvisioning {
	const none = v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD
	return v2.CredentialDetailsAccountProvisioning_builder{
		SupportedCredentialOptions: []v2.CapabilityDetailCredentialOption{none},
		PreferredCredentialOption:  none,
	}.Build()
}

// Get reads one resource from the last proven sync. The answer says how old it is.
func (g Getter) Get(ctx context.Context, id, _ *v2.ResourceId) (*v2.Resource, annotations.Annotations, error) {
	return get(ctx, g.Lookup, id)
}

// asOf is the name under which an answer carries when the sync ended that it comes from.
const asOf = "as_of"

func get(ctx context.Context, from Lookup, id *v2.ResourceId) (*v2.Resource, annotations.Annotations, error) {
	if from == nil {
		return nil, nil, errOnlyReads
	}
	found, at, err := from.Resource(ctx, id)
	if err != nil {
		return nil, nil, explain.Error(err)
	}
	said, err := structpb.NewStruct(map[string]any{asOf: describe.Second(at)})
	if err != nil {
		return nil, nil, err
	}
	return found, annotations.New(said, timestamppb.New(at)), nil
}

// resourceOf is an account that no sync has seen yet.
func resourceOf(p access.PrincipalRef) *v2.Resource {
	return resources.NewPrincipal(access.Principal{Kind: p.Kind, ID: p.ID, Name: p.Name, Email: p.Email})
}
