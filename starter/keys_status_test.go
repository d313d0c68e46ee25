package main

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/temporalclient"
)

// The keys of the file come in its order, with what they are to running workflows; behind them those that it lacks.
func TestPayloadKeyStates(t *testing.T) {
	t.Parallel()
	line := func(id string) string {
		return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 32))) + "\n"
	}
	path := codecFile(t, "keys", line("new")+line("old")+line("older")+"gone:lost\n")
	file, err := codec.ReadKeyFile(path)
	require.NoError(t, err)
	since := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	needed := temporalclient.KeyUse{Workflows: []string{"grant/1", "grant/2"}, Oldest: since}
	got := payloadKeyStates(file, temporalclient.KeysInUse{Keys: map[string]temporalclient.KeyUse{
		"old": needed, "gone": needed, "unknown": needed,
	}})
	require.Equal(t, []payloadKeyStatus{
		{ID: "new", State: "encrypts", Workflows: []string{}},
		{ID: "old", State: "needed", Workflows: needed.Workflows, Oldest: since},
		{ID: "older", State: "unneeded", Workflows: []string{}},
		{ID: "gone", State: "lost", Workflows: needed.Workflows, Oldest: since},
		{ID: "unknown", State: "missing", Workflows: needed.Workflows, Oldest: since},
	}, got)
}
