package config_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
)

// The README lists every variable with the default and the meaning of its struct tag,
// and no other variable.
func TestREADME_ListsEveryVariable(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	readme := string(body)
	all := slices.Concat(config.Variables(), config.TemporalVariables(), config.NetworkVariables())
	for _, v := range all {
		require.Contains(t, readme, tableRow(v))
	}
	require.Equal(t, len(all), strings.Count(readme, "\n| `"))
}

// So does docs/metrics.md for traces.
func TestMetricsPage_ListsEveryTracingVariable(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	for _, v := range config.TracingVariables() {
		require.Contains(t, string(body), tableRow(v))
	}
	require.Equal(t, len(config.TracingVariables()), strings.Count(string(body), "\n| `OTEL_"))
}

func tableRow(v config.Variable) string {
	value := "–"
	if v.Default != "" {
		value = "`" + v.Default + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s |", v.Name, value, v.Help)
}
