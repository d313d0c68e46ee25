package connector

import (
	"log/slog"

	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"

	"sentinelone-provisioner/internal/version"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
	"sentinelone-provisioner/starter/conductorone/internal/snapshot"
)

// openStandalone makes a connector that reads the console itself, and provisions nothing.
func openStandalone(c settings.Config) (connectorbuilder.ConnectorBuilderV2, []connectorbuilder.Opt, error) {
	client, err := c.Console.Client(version.UserAgent())
	if err != nil {
		return nil, nil, explain.Settings(err)
	}
	source := snapshot.NewStandalone(snapshot.StandaloneOptions{
		Client: client, Wait: c.SyncWait, Log: slog.New(slog.DiscardHandler),
	})
	return New(c, source, source.Check), nil, nil
}
