package settings

import (
	"fmt"
	"os"
)

// defaults are settings of the SDK whose own defaults do not serve: it refuses to provision unless told otherwise,
// and three tasks at a time let three grants that wait for approval hold up a sync.
var defaults = map[string]string{
	"BATON_PROVISIONING":     "true",
	"BATON_TASK_CONCURRENCY": "10",
}

// SetDefaults sets those of the SDK's variables that are not set. Flags still win.
func SetDefaults() error {
	for name, value := range defaults {
		if _, is := os.LookupEnv(name); is {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}
