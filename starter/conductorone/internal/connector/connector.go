// Package connector tells ConductorOne what a console holds, in its words: resources, entitlements and grants.
package connector

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// Connector serves one console.
type Connector struct {
	config settings.Config
}

// Open makes the connector of a console from its settings, all faults of which it reports at once.
func Open(_ context.Context, s *settings.Settings, _ *cli.ConnectorOpts) (
	connectorbuilder.ConnectorBuilderV2, []connectorbuilder.Opt, error,
) {
	c, err := s.Resolve()
	if err != nil {
		return nil, nil, explain.Settings(err)
	}
	return &Connector{config: c}, nil, nil
}

// Offline is a connector without settings, which tells what connectors of this kind can do.
func Offline() connectorbuilder.ConnectorBuilderV2 { return &Connector{} }

// Metadata describes the connector to ConductorOne.
func (*Connector) Metadata(context.Context) (*v2.ConnectorMetadata, error) {
	return v2.ConnectorMetadata_builder{
		DisplayName: "SentinelOne",
		Description: "Accounts, sites, roles, users and service users of a console, and who has which role where",
	}.Build(), nil
}

// Validate checks that the connector can work.
func (*Connector) Validate(context.Context) (annotations.Annotations, error) { return nil, nil }

// ResourceSyncers are the syncers of all resource types.
func (c *Connector) ResourceSyncers(context.Context) []connectorbuilder.ResourceSyncerV2 { return nil }
