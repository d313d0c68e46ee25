// Command baton-sentinelone-provisioner connects a SentinelOne console to ConductorOne: it lists who has which
// role where from the last proven sync, and carries out what ConductorOne provisions as requests of this project,
// under its policy.
package main

import (
	"context"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/connectorrunner"
	"github.com/conductorone/baton-sdk/pkg/exit"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/version"
	"sentinelone-provisioner/starter/conductorone/internal/connector"
	"sentinelone-provisioner/starter/conductorone/internal/explain"
	"sentinelone-provisioner/starter/conductorone/internal/oneshot"
	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

func main() {
	if err := run(context.Background()); err != nil {
		exit.LogExit(err)
	}
}

// run does what the SDK's RunConnector does, and sees to the exit code of runs of one task.
func run(ctx context.Context) error {
	values, command, err := config.DefineConfigurationV2(ctx, settings.Name, open, settings.Schema,
		connectorrunner.WithDefaultCapabilitiesConnectorBuilderV2(connector.Offline()))
	if err != nil {
		return err
	}
	settings.SetDefaults(values)
	if err := oneshot.EndWithCode(values, command); err != nil {
		return err
	}
	follow := command.PreRunE
	command.PreRunE = func(command *cobra.Command, args []string) error {
		if err := settings.CheckFile(values, command); err != nil {
			return explain.Settings(err)
		}
		return follow(command, args)
	}
	command.Version = version.String()
	return command.Execute()
}

// open makes the connector that the SDK serves.
func open(ctx context.Context, s *settings.Settings, o cli.RunTimeOpts) (types.ConnectorServer, error) {
	built, opts, err := connector.Open(ctx, s, nil)
	if err != nil {
		return nil, err
	}
	return connectorbuilder.NewConnector(ctx, built, append(opts, connectorbuilder.WithSessionStore(o.SessionStore))...)
}
