// Package connector tells ConductorOne what a console holds, in its words: resources, entitlements and grants.
package connector

import (
	"context"
	"io"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"sentinelone-provisioner/starter/conductorone/internal/accounts"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/provision"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
)

// Connector serves one console.
type Connector struct {
	config settings.Config
	// source is nil for a connector that only says what it can do.
	source snapshot.Source
	// check says whether the connector can work.
	check func(ctx context.Context) error
	// provisioner grants and revokes roles; nil for a connector that only reads.
	provisioner *provision.Provisioner
	// actions have what creates, deletes and reads accounts; zero for a connector that only reads.
	actions accounts.Actions
}

// Offline is a connector without settings, which tells what connectors of this kind can do.
func Offline() connectorbuilder.ConnectorBuilderV2 { return &Connector{} }

// New makes the connector of a console whose snapshots a source has.
func New(c settings.Config, source snapshot.Source, check func(ctx context.Context) error) *Connector {
	return &Connector{config: c, source: source, check: check}
}

// Close closes what the connector has opened. The SDK never calls it: it ends the process.
func (c *Connector) Close() error {
	if closer, is := c.source.(io.Closer); is {
		return closer.Close()
	}
	return nil
}

// Metadata describes the connector to ConductorOne.
func (*Connector) Metadata(context.Context) (*v2.ConnectorMetadata, error) {
	return v2.ConnectorMetadata_builder{
		AccountCreationSchema: accounts.CreationSchema(),
		DisplayName:           "SentinelOne",
		Description: "Accounts, sites, roles, users and service users of a console, " +
			"and who has which role where",
	}.Build(), nil
}

// Validate checks that the connector can work.
func (c *Connector) Validate(ctx context.Context) (annotations.Annotations, error) {
	if c.check == nil {
		return nil, nil
	}
	return nil, explain.Error(c.check(ctx))
}

// GlobalActions registers what ConductorOne can have done besides: see [accounts.Actions].
func (c *Connector) GlobalActions(ctx context.Context, in actions.ActionRegistry) error {
	return c.actions.Register(ctx, in)
}

// ResourceSyncers are the syncers of all resource types.
func (c *Connector) ResourceSyncers(context.Context) []connectorbuilder.ResourceSyncerV2 {
	var get accounts.Getter
	if c.source != nil {
		get.Lookup = lookup{source: c.source}
	}
	return syncers(c.source, c.config.StockCompatible, c.provisioner, get, c.actions.Config)
}
