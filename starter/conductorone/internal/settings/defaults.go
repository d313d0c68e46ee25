package settings

import "github.com/spf13/viper"

// SetDefaults sets settings of the SDK whose own defaults do not serve: it refuses to provision unless told otherwise,
// and three tasks at a time let three grants that wait for approval hold up a sync. Flags, variables and the settings
// file still win.
func SetDefaults(values *viper.Viper) {
	values.SetDefault("provisioning", true)
	values.SetDefault("task-concurrency", 10)
}
