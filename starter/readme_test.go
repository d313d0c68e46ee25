package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/inspect"
)

// The sample of a check in the README is one that the program prints.
func TestReadme_SampleOfCheck(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	shown := 0
	for _, c := range access.Collections() {
		name := console.Permission(c)
		sample := regexp.MustCompile(`(?m)^ +✓  ` + regexp.QuoteMeta(name) + ` +((\d+) .*)$`)
		line := sample.FindStringSubmatch(string(readme))
		if line == nil {
			continue // shown as missing
		}
		total, err := strconv.Atoi(line[2])
		require.NoError(t, err)
		found := permissionFindings(inspect.Report{Permissions: []inspect.Permission{
			{Name: name, Collection: c, Granted: true, Total: &total},
		}})
		require.Equal(t, found[0].Detail, strings.TrimSpace(line[1]))
		shown++
	}
	require.Equal(t, 4, shown)
}
