package c1test_test

import (
	"context"
	"os"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/field"
	"github.com/conductorone/baton-sdk/pkg/types/entitlement"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	"github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// asConnector is the variable with which this test program is a connector instead, in a process of its own.
const asConnector = "C1TEST_CONNECTOR"

func TestMain(m *testing.M) {
	if os.Getenv(asConnector) == "" {
		os.Exit(m.Run())
	}
	_ = os.Setenv("BATON_PROVISIONING", "true")
	config.RunConnector(context.Background(), "trivial", "v0",
		field.NewConfiguration([]field.SchemaField{field.StringField("unused")}),
		func(context.Context, *noSettings, *cli.ConnectorOpts) (
			connectorbuilder.ConnectorBuilderV2, []connectorbuilder.Opt, error,
		) {
			return trivial{}, nil, nil
		})
}

type noSettings struct {
	Unused string `mapstructure:"unused"`
}

func (*noSettings) GetString(string) string            { return "" }
func (*noSettings) GetBool(string) bool                { return false }
func (*noSettings) GetInt(string) int                  { return 0 }
func (*noSettings) GetStringSlice(string) []string     { return nil }
func (*noSettings) GetStringMap(string) map[string]any { return nil }

// trivial is a connector with one group of one member, which declines to let some principals in.
type trivial struct{}

var groupType = resource.NewResourceType("Group", []v2.ResourceType_Trait{v2.ResourceType_TRAIT_GROUP})

func (trivial) Metadata(context.Context) (*v2.ConnectorMetadata, error) {
	return v2.ConnectorMetadata_builder{DisplayName: "Trivial"}.Build(), nil
}
func (trivial) Validate(context.Context) (annotations.Annotations, error) { return nil, nil }

func (t trivial) ResourceSyncers(context.Context) []connectorbuilder.ResourceSyncerV2 {
	return []connectorbuilder.ResourceSyncerV2{t}
}

func (trivial) ResourceType(context.Context) *v2.ResourceType { return groupType }

func (trivial) List(context.Context, *v2.ResourceId, resource.SyncOpAttrs) (
	[]*v2.Resource, *resource.SyncOpResults, error,
) {
	r, err := resource.NewGroupResource("The group", groupType, "g1", nil)
	return []*v2.Resource{r}, nil, err
}

func (trivial) Entitlements(_ context.Context, r *v2.Resource, _ resource.SyncOpAttrs) (
	[]*v2.Entitlement, *resource.SyncOpResults, error,
) {
	return []*v2.Entitlement{entitlement.NewAssignmentEntitlement(r, "member")}, nil, nil
}

func (trivial) Grants(_ context.Context, r *v2.Resource, _ resource.SyncOpAttrs) (
	[]*v2.Grant, *resource.SyncOpResults, error,
) {
	return []*v2.Grant{grant.NewGrant(r, "member", r.GetId())}, nil, nil
}

func (trivial) Grant(_ context.Context, who *v2.Resource, what *v2.Entitlement) (
	[]*v2.Grant, annotations.Annotations, error,
) {
	switch who.GetId().GetResource() {
	case "declined":
		return nil, nil, grant.NewErrGrantCancelled("carol@example.com has denied it")
	case "failed":
		return nil, nil, status.Error(codes.FailedPrecondition, "it waits for an approval")
	}
	return []*v2.Grant{grant.NewGrant(what.GetResource(), "member", who.GetId())},
		annotations.New(&v2.GrantAlreadyExists{}), nil
}

func (trivial) Revoke(context.Context, *v2.Grant) (annotations.Annotations, error) { return nil, nil }
