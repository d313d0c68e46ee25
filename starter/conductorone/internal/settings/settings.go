// Package settings holds what people configure of the connector: flags, BATON_ variables and the configuration
// file of the SDK, and what of the worker's own variables it reads.
package settings

import (
	"github.com/conductorone/baton-sdk/pkg/field"
)

// Name is the name of the program, and of the connector in ConductorOne's logs.
const Name = "baton-sentinelone-provisioner"

// Settings are the connector's own settings. The tags are the names of the flags.
type Settings struct {
	ConsoleURL      string `mapstructure:"management-console-url"`
	Token           string `mapstructure:"api-token"`
	StockCompatible bool   `mapstructure:"stock-compatible"`
}

// The fields of the schema, by the names that the stock connector gave them where it has them.
var (
	consoleURL = field.StringField("management-console-url",
		field.WithDisplayName("Console URL"),
		field.WithDescription("Address of the SentinelOne console, such as https://acmeco.sentinelone.net"))
	token = field.StringField("api-token", field.WithIsSecret(true),
		field.WithDisplayName("API token"),
		field.WithDescription("API token of a user or service user of the console"))
	stockCompatible = field.BoolField("stock-compatible",
		field.WithDisplayName("Entitlements of the stock connector"),
		field.WithDescription("Also list the role entitlements by level that baton-sentinel-one has"))
)

// Schema describes the settings to the SDK and to ConductorOne.
var Schema = field.NewConfiguration(
	[]field.SchemaField{consoleURL, token, stockCompatible},
	field.WithConnectorDisplayName("SentinelOne"),
)
