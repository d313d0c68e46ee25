// Package settings holds what people configure of the connector: flags, BATON_ variables and the configuration
// file of the SDK. What these leave out is read from the worker's own variables, so that a connector beside a worker
// needs no second configuration.
package settings

import (
	"fmt"
	"io"
)

// Name is the name of the program, and of the connector in ConductorOne's logs.
const Name = "baton-sentinelone-provisioner"

// Settings are the connector's own settings as people give them; [Settings.Resolve] checks them. The tags are the
// names of the flags. The SDK decodes them, and knows text, booleans, numbers and lists only.
type Settings struct {
	ConsoleURL        string `mapstructure:"management-console-url"`
	Token             Secret `mapstructure:"api-token"`
	DatabaseURL       Secret `mapstructure:"database-url"`
	TemporalAddress   string `mapstructure:"temporal-address"`
	TemporalNamespace string `mapstructure:"temporal-namespace"`
	TaskQueue         string `mapstructure:"task-queue"`
	MaxAge            string `mapstructure:"max-age"`
	SyncWait          string `mapstructure:"sync-wait"`
	Wait              string `mapstructure:"wait"`
	Requester         string `mapstructure:"requester"`
	SigningKey        string `mapstructure:"signing-key"`
	StockCompatible   bool   `mapstructure:"stock-compatible"`
	Standalone        bool   `mapstructure:"standalone"`
	// TaskConcurrency is the SDK's own setting.
	TaskConcurrency int `mapstructure:"task-concurrency"`
}

// Secret is a text that does not print, also within a struct that does.
type Secret string

// Format implements fmt.Formatter.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// MarshalText implements encoding.TextMarshaler, and so JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }
