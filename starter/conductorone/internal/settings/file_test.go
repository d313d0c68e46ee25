package settings_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/cli"
	sdkconfig "github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// defined is what the SDK makes of the settings file and the variables, and its command.
func defined(t *testing.T) (*viper.Viper, *cobra.Command) {
	t.Helper()
	values, command, err := sdkconfig.DefineConfigurationV2(t.Context(), settings.Name,
		func(context.Context, *settings.Settings, cli.RunTimeOpts) (types.ConnectorServer, error) {
			return nil, nil
		},
		settings.Schema)
	require.NoError(t, err)
	settings.SetDefaults(values)
	return values, command
}

// A settings file that is missing, malformed, another one or misspelled is a fault, and no part of it is repeated.
func TestCheckFile(t *testing.T) {
	for name, c := range map[string]struct{ text, beside, says string }{
		"good":          {text: "max-age: 2h\nlog-path: [stderr]\ncreate-account-profile: {a: 1}\n"},
		"empty":         {text: ""},
		"missing":       {says: "there is no settings file"},
		"malformed":     {text: "api-token: hunter2\n\t- hunter2\n", says: "(YAML line 2)"},
		"no settings":   {text: "hunter2\n", says: "(YAML line 1)"},
		"misspelled":    {text: "max_age: hunter2\nlog-leve: x\n", says: `["log-leve" "max_age"], which`},
		"another's":     {text: "max-age: 2h\n", beside: "s.json", says: `s.json" in its place`},
		"nothing named": {},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			t.Chdir(folder)
			file := filepath.Join(folder, "s.yaml")
			if name == "nothing named" {
				file = ""
			} else if name != "missing" {
				require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			}
			if c.beside != "" {
				require.NoError(t, os.WriteFile(filepath.Join(folder, c.beside), []byte("{}"), 0o600))
			}
			t.Setenv("BATON_CONFIG_PATH", file)
			err := settings.CheckFile(defined(t))
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// The SDK's defaults that are changed give way to the file, and that to a variable; an empty variable says nothing.
func TestSetDefaults(t *testing.T) {
	t.Chdir(t.TempDir())
	requireValues := func(provisioning bool, tasks int) {
		t.Helper()
		values, _ := defined(t)
		require.Equal(t, provisioning, values.GetBool("provisioning"))
		require.Equal(t, tasks, values.GetInt("task-concurrency"))
	}
	t.Setenv("BATON_PROVISIONING", "")
	t.Setenv("BATON_TASK_CONCURRENCY", "")
	requireValues(true, 10)
	require.NoError(t, os.WriteFile("s.yaml", []byte("provisioning: false\ntask-concurrency: 20\n"), 0o600))
	t.Setenv("BATON_CONFIG_PATH", "s.yaml")
	requireValues(false, 20)
	t.Setenv("BATON_TASK_CONCURRENCY", "30")
	t.Setenv("BATON_PROVISIONING", "true")
	requireValues(true, 30)
}
