// Command baton-sentinelone-provisioner connects a SentinelOne console to ConductorOne: it lists who has which
// role where from the last proven sync, and carries out what ConductorOne provisions as requests of this project,
// under its policy.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorrunner"

	"sentinelone-provisioner/internal/version"
	"sentinelone-provisioner/starter/conductorone/internal/connector"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

func main() {
	if err := settings.SetDefaults(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	config.RunConnector(context.Background(), settings.Name, version.String(), settings.Schema, connector.Open,
		connectorrunner.WithDefaultCapabilitiesConnectorBuilderV2(connector.Offline()))
}
