package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/testbed"
	"sentinelone-provisioner/internal/wire"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// ConductorOne starts a sync though the console was never read: the connector has the worker read it, heartbeats as
// long as that takes, uploads what is there and says that it is done.
func TestC1_FullSync(t *testing.T) {
	t.Parallel()
	e := prepareC1Env(t, shared, testbed.AutoApprove)
	e.startWorker()
	e.connect()
	about := e.c1.Hellos()[0].GetConnectorMetadata()
	require.Equal(t, "SentinelOne", about.GetDisplayName())

	heard := make(chan struct{})
	e.console.OnRequest(func(r consoletest.Request) {
		if r.Page() {
			<-heard
		}
	})
	task := e.c1.Queue(c1test.FullSync())
	require.NoError(t, task.WaitHeartbeats(e.ctx(), 3), e.output.Tail())
	require.False(t, task.Finished())
	close(heard)
	got := e.end(task)
	require.True(t, got.Succeeded(), got.Message())
	requireShows(t, expect(e.console, false), e.show(got.File(t)))

	// The next one needs nothing of the worker.
	e.worker.Kill()
	e.console.ResetRequests()
	again := e.do(c1test.FullSync())
	require.True(t, again.Succeeded(), again.Message())
	require.Zero(t, e.console.RequestCount())
	requireShows(t, expect(e.console, false), e.show(again.File(t)))
}

// A sync while one of the console is quarantined fails with the reasons and the command that decides. After the
// decision it works.
func TestC1_SyncWhileQuarantined(t *testing.T) {
	t.Parallel()
	e := prepareC1Env(t, shared, testbed.AutoApprove)
	for range 20 {
		_, err := e.console.AddServiceUser(access.Principal{})
		require.NoError(t, err)
	}
	e.startWorker()
	e.sync()
	require.Len(t, e.console.RemoveServiceUsers(20), 20)
	run := e.startSync()
	e.untilState(run, wire.StateQuarantined)
	e.connect()
	got := e.do(c1test.FullSync())
	e.requireSentence(got, "quarantined", "would be gone", "starter confirm", "starter discard")
	require.Empty(t, got.Uploads, "never a partial answer")

	confirmed := e.starter("confirm", "--by", "carol@example.com")
	require.Zero(t, confirmed.code, confirmed.stderr)
	require.Equal(t, wire.StatePromoted, e.syncResult(run).State)
	want := expect(e.console, false)
	// The id of a sync has the time to the second, so that one may still read what was proven before its second began.
	require.Eventually(t, func() bool {
		got = e.do(c1test.FullSync())
		require.True(t, got.Succeeded(), got.Message())
		return len(got.Contents(t).Resources) == len(want.resources)+len(want.bindings)
	}, limit, time.Millisecond)
	requireShows(t, want, e.show(got.File(t)))
}
