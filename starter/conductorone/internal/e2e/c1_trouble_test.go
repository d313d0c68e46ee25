package e2e

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/pgtest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// revokesToo is a policy that asks nobody.
const revokesToo = testbed.AutoApprove + "  - {name: revokes, for: [revoke], autoApprove: true}\n"

const tokenRefused = "the API token is wrong, expired or revoked"

// The console refuses the worker's token. A grant, a revoke and a sync that would need the console say so, and what to
// do. What was read before is still given out as long as it may.
func TestC1_ConsoleRefusesTheToken(t *testing.T) {
	t.Parallel()
	e := newC1Env(t, revokesToo)
	e.connect()
	seen := e.synced()
	e.console.SetToken("another one")
	for _, task := range []*c1test.Task{e.c1.Queue(e.grant(seen, e.ana)), e.c1.Queue(e.revoke(seen))} {
		got := e.end(task)
		e.requireSentence(got, "401", tokenRefused, "create a new one in the console",
			"press Retry failed provisioning")
		require.NotContains(t, got.Message(), "start a sync", "it would not help")
	}
	require.NotEmpty(t, e.synced().Grants)
	e.connector.Kill()

	e.connect("BATON_MAX_AGE=1ns")
	got := e.do(c1test.FullSync())
	e.requireSentence(got, "more than 1ns ago", "401", tokenRefused)
	require.Empty(t, got.Uploads)
	require.Zero(t, e.writes())
}

// ConductorOne refuses the connector's client: the connector ends, and its log says why.
func TestC1_RefusesTheClient(t *testing.T) {
	t.Parallel()
	e := prepareC1Env(t, shared, testbed.AutoApprove)
	e.c1.RefuseTokens()
	e.launch()
	select {
	case <-e.connector.Done():
	case <-e.ctx().Done():
		require.Fail(t, "it goes on", e.output.Tail())
	}
	require.Contains(t, e.output.String(), "failed to get token: 401 Unauthorized")
	_, key := e.c1.Secret()
	require.NotContains(t, e.output.String(), key)
	require.Empty(t, e.c1.Hellos())
}

// While Temporal is down, a grant, a revoke and a sync that would need it say so, and what to do; a sync that needs
// only the database works. The same connector works again when Temporal is back.
func TestC1_TemporalDown(t *testing.T) {
	t.Parallel()
	temporal, err := testbed.StartDevServer(t.Context(), filepath.Join(t.TempDir(), "temporal.db"))
	require.NoError(t, err)
	t.Cleanup(temporal.Stop)
	e := newC1EnvOn(t, temporal, revokesToo)
	e.connect()
	seen := e.synced()
	temporal.Kill()
	grant, revoke := e.c1.Queue(e.grant(seen, e.ana)), e.c1.Queue(e.revoke(seen))
	require.NotEmpty(t, e.synced().Grants)
	for _, task := range []*c1test.Task{grant, revoke} {
		e.requireSentence(e.end(task), temporal.Address, "TEMPORAL_ADDRESS")
	}
	late := e.oneShot(e.c1z(), "--max-age", "1ns") // what was read is too old for it, so that it needs a sync
	require.NotZero(t, late.code)
	for _, part := range []string{
		connectorName, "more than 1ns ago, and a new one failed", temporal.Address, "TEMPORAL_ADDRESS",
	} {
		require.Contains(t, late.stdout+late.stderr, part)
	}

	require.NoError(t, temporal.Restart(e.ctx()))
	e.worker.Kill() // a new one polls at once
	e.startWorker()
	got := e.end(grant.Again())
	require.True(t, got.Succeeded(), got.Message())
	require.True(t, e.holds(e.ana))
}

// While the database is down, a sync says so, and what to do. The same connector works again when it is back.
func TestC1_DatabaseDown(t *testing.T) {
	t.Parallel()
	server := pgtest.StartServer(t)
	e := prepareC1Env(t, shared, revokesToo)
	var err error
	e.database, err = server.Database(t.Context(), "connector")
	require.NoError(t, err)
	e.startWorker()
	e.sync()
	e.connect()
	require.NotEmpty(t, e.synced().Grants)
	address, err := url.Parse(e.database)
	require.NoError(t, err)
	require.NoError(t, server.Crash())
	got := e.do(c1test.FullSync())
	e.requireSentence(got, "database", address.Port(),
		"check that the database runs, and that --database-url is its address")
	require.Empty(t, got.Uploads)

	require.NoError(t, server.Restart())
	require.NotEmpty(t, e.synced().Grants)
}

// A connector that starts before its database says so when it is asked for something, and works once that is there.
func TestC1_DatabaseNotThereYet(t *testing.T) {
	t.Parallel()
	e := prepareC1Env(t, shared, revokesToo)
	e.connect()
	got := e.do(c1test.FullSync())
	e.requireSentence(got, "there is no database file", "start the worker and run a sync first")
	require.Empty(t, got.Uploads)
	e.startWorker()
	e.sync()
	require.NotEmpty(t, e.synced().Grants)
}
