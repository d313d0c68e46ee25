package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// connectorSDK is part of the name of ConductorOne's module, which the connector in starter/conductorone needs.
const connectorSDK = "baton-sdk"

// The SDK of ConductorOne reaches neither the worker nor the starter, and not the module graph that people build and
// scan them from: the connector is a module of its own.
func TestImports_ConnectorSDKStaysOut(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"worker", "starter"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "sentinelone-provisioner/"+pkg).Output()
		require.NoError(t, err, pkg)
		require.Contains(t, string(out), "sentinelone-provisioner/internal/config", "the list is a real one")
		require.NotContains(t, string(out), connectorSDK, pkg)
		require.NotContains(t, string(out), "starter/conductorone", pkg)
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		body, err := os.ReadFile(filepath.Join("..", file))
		require.NoError(t, err)
		require.NotContains(t, string(body), connectorSDK, file)
	}
	body, err := os.ReadFile(filepath.Join("conductorone", "go.mod"))
	require.NoError(t, err)
	require.Contains(t, string(body), connectorSDK, "the name is right")
}
