package c1test_test

import (
	"context"
	"errors"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// rotated is the credential that the trivial connector makes.
const rotated = "CANARY-CREDENTIAL-77aa"

const noPassword = v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD

func (trivial) CreateAccount(_ context.Context, about *v2.AccountInfo, _ *v2.LocalCredentialOptions) (
	connectorbuilder.CreateAccountResponse, []*v2.PlaintextData, annotations.Annotations, error,
) {
	name, _ := about.GetProfile().AsMap()["name"].(string)
	if name == "" {
		return nil, nil, nil, status.Error(codes.InvalidArgument, "name is missing")
	}
	made, err := resource.NewGroupResource(name, groupType, name, nil)
	return &v2.CreateAccountResponse_SuccessResult{Resource: made, IsCreateAccountResult: true}, nil, nil, err
}

func (trivial) CreateAccountCapabilityDetails(context.Context) (
	*v2.CredentialDetailsAccountProvisioning, annotations.Annotations, error,
) {
	return v2.CredentialDetailsAccountProvisioning_builder{
		SupportedCredentialOptions: []v2.CapabilityDetailCredentialOption{noPassword},
		PreferredCredentialOption:  noPassword,
	}.Build(), nil, nil
}

func (trivial) Delete(_ context.Context, id, _ *v2.ResourceId) (annotations.Annotations, error) {
	if id.GetResource() == "kept" {
		return nil, status.Error(codes.FailedPrecondition, "it is the last one")
	}
	return nil, nil
}

func (trivial) Rotate(context.Context, *v2.ResourceId, *v2.LocalCredentialOptions) (
	[]*v2.PlaintextData, annotations.Annotations, error,
) {
	return []*v2.PlaintextData{v2.PlaintextData_builder{Name: "api_token", Bytes: []byte(rotated)}.Build()}, nil, nil
}

func (trivial) RotateCapabilityDetails(context.Context) (
	*v2.CredentialDetailsCredentialRotation, annotations.Annotations, error,
) {
	return v2.CredentialDetailsCredentialRotation_builder{
		SupportedCredentialOptions: []v2.CapabilityDetailCredentialOption{noPassword},
		PreferredCredentialOption:  noPassword,
	}.Build(), nil, nil
}

// GlobalActions registers one action for each way in which actions end.
func (trivial) GlobalActions(ctx context.Context, in actions.ActionRegistry) error {
	release := make(chan struct{})
	for name, do := range map[string]actions.ActionHandler{
		"echo": func(_ context.Context, args *structpb.Struct) (*structpb.Struct, annotations.Annotations, error) {
			return args, annotations.New(timestamppb.Now()), nil
		},
		"fail": func(context.Context, *structpb.Struct) (*structpb.Struct, annotations.Annotations, error) {
			return nil, nil, errors.New("it cannot be done")
		},
		// "wait" runs until "release" is invoked, and then fails if that says so.
		"wait": func(ctx context.Context, args *structpb.Struct) (*structpb.Struct, annotations.Annotations, error) {
			select {
			case <-release:
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			}
			if args.GetFields()["fail"].GetBoolValue() {
				return nil, nil, errors.New("it took too long")
			}
			return args, nil, nil
		},
		"release": func(ctx context.Context, _ *structpb.Struct) (*structpb.Struct, annotations.Annotations, error) {
			select {
			case release <- struct{}{}:
			case <-ctx.Done():
			}
			return nil, nil, ctx.Err()
		},
	} {
		schema := v2.BatonActionSchema_builder{Name: name, DisplayName: name}.Build()
		if err := in.Register(ctx, schema, do); err != nil {
			return err
		}
	}
	return nil
}
