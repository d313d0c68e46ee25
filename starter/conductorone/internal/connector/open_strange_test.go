package connector

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/field"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"sentinelone-provisioner/starter/conductorone/internal/settings"
)

// errStarts is that the settings hold, so that the SDK would run now.
var errStarts = errors.New("the connector starts")

// startWith is how the program ends with these flags and variables, or errStarts.
func startWith(t *testing.T, variables map[string]string, flags ...string) error {
	t.Helper()
	for name, value := range variables {
		t.Setenv(name, value)
	}
	values, command, err := config.DefineConfigurationV2(t.Context(), settings.Name,
		func(ctx context.Context, s *settings.Settings, _ cli.RunTimeOpts) (types.ConnectorServer, error) {
			_, _, err := Open(ctx, s, nil)
			return nil, cmp.Or(err, errStarts)
		}, settings.Schema)
	require.NoError(t, err)
	settings.SetDefaults(values)
	command.SetArgs(append(flags, "--log-level=fatal", "--file", filepath.Join(t.TempDir(), "sync.c1z")))
	return command.Execute()
}

// variableOf is the variable of a flag.
func variableOf(f field.SchemaField) string {
	return "BATON_" + strings.ToUpper(strings.ReplaceAll(f.FieldName, "-", "_"))
}

// alone hides the variables of this machine, and the settings file of this folder.
func alone(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		for _, prefix := range []string{
			"BATON_", "SENTINELONE_", "TEMPORAL_", "DATABASE_URL", "TASK_QUEUE", "ALLOWED_",
		} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
				require.NoError(t, os.Unsetenv(name))
			}
		}
	}
	t.Setenv("TEMPORAL_CONFIG_FILE", filepath.Join(t.TempDir(), "none.toml"))
}

// secretText is what no message may repeat.
const secretText = "hunter2hunter2"

// One setting has a strange value, as a flag or as a variable. Either the connector starts, or it ends with a sentence
// that names the flag and repeats no secret, with the documented exit code: 3, or 2 for what the SDK cannot read.
// This is no fuzz target: to define the SDK's command takes too long for thousands of inputs.
func TestSettings_StrangeValues(t *testing.T) { //nolint:paralleltest // it changes the environment
	for _, of := range settings.Schema.Fields {
		for _, value := range strangeValues {
			requireStartsOrSays(t, of, value, startAlone(t, of, false, value))
			if value == "\xff\xfe" || value == secretText+" x" {
				requireStartsOrSays(t, of, value, startAlone(t, of, true, value))
			}
		}
	}
}

var strangeValues = []string{
	"", " ", "x", "true", "0", "-1", "99999999999999999999", "\x00", "a\x1b[31mb", "a\nb", "\xff\xfe",
	"--file", "{}", "[1]", "$HOME", "1h", "1e400h", "/", ".", "//", "-----BEGIN OPENSSH PRIVATE KEY-----\n" +
		secretText, "https://u:" + secretText + "@h", "https://h?" + secretText, "https://" + secretText + "@h",
	"postgres://u:" + secretText + "@h:x/d", "postgres://u:%zz" + secretText + "@h/d",
	"postgres://u:p#" + secretText + "@h/d", "user=u password=" + secretText, secretText + "\n",
	secretText + " x",
	"https://h:7233", "h:7233", "h", ":7233", "postgres://h/d?sslmode=maybe", "sqlite://",
	"mysql://" + secretText,
	strings.Repeat("a", 100_000),
}

// startAlone is [startWith] for one setting, in an environment that has no other.
func startAlone(t *testing.T, of field.SchemaField, asVariable bool, value string) (ended error) {
	t.Helper()
	t.Run(of.FieldName, func(t *testing.T) {
		alone(t)
		flags, variables := []string{"--management-console-url=https://acmeco.sentinelone.net"}, map[string]string{}
		if of.FieldName == "api-token" {
			flags = append(flags, "--standalone")
		}
		if asVariable {
			variables[variableOf(of)] = value
			flags = slices.DeleteFunc(flags, func(f string) bool { return strings.HasPrefix(f, "--"+of.FieldName+"=") })
		} else {
			flags = append(flags, "--"+of.FieldName+"="+value)
		}
		ended = startWith(t, variables, flags...)
	})
	return ended
}

// requireStartsOrSays checks how the connector ends with a value of a setting.
func requireStartsOrSays(t *testing.T, of field.SchemaField, value string, err error) {
	t.Helper()
	require.Error(t, err)
	if errors.Is(err, errStarts) {
		return
	}
	require.ErrorContains(t, err, of.FieldName)
	isURL := of.FieldName == "management-console-url" && strings.Contains(value, "@")
	isKey := of.FieldName == "signing-key" && strings.Contains(value, "PRIVATE KEY")
	if of.Secret || isURL || isKey {
		require.NotContains(t, err.Error(), secretText)
	}
	_, explained := status.FromError(err)
	_, unread := strconv.ParseBool(value)
	require.Equal(t, of.Variant != field.BoolVariant || unread == nil, explained, "%v", err)
	if explained {
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	}
}
