//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/store"
)

const (
	usualID     = "sync/" + host
	scheduledID = usualID + "-2026-03-10T12:00:00Z"
)

// quarantine holds back a sync that lost the principals; workflow is whose it is.
func (f *fixture) quarantine(id, workflow string) {
	f.t.Helper()
	f.receiveAs(store.BeginInput{
		Console: host, ID: id, StartedAt: time.Now(), WorkflowID: workflow,
	}, scene()[:5])
	require.NoError(f.t, f.db.Quarantine(f.t.Context(), id, []string{"users: 2 of 2 would be gone"}))
}

// decider is a program of the environment, and what it remarks.
func decider(t *testing.T) (p *app, remarks *strings.Builder) {
	t.Helper()
	t.Setenv("SENTINELONE_BASE_URL", baseURL)
	cfg, err := config.LoadUnchecked()
	require.NoError(t, err)
	remarks = &strings.Builder{}
	return &app{out: remarks, err: remarks, now: time.Now, cfg: cfg}, remarks
}

func TestUndecided(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	p, remarks := decider(t)
	is := func(flag, want string) {
		t.Helper()
		got, err := p.undecided(t.Context(), flag)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	is("", usualID)
	f.quarantine("s2", "")
	is("", usualID) // of a workflow that is not known
	require.Empty(t, remarks.String())

	f.quarantine("s3", scheduledID)
	is("", scheduledID)
	require.Equal(t, "the quarantined sync is "+scheduledID+"\n", remarks.String())
	is("nightly", "nightly")

	f.quarantine("s4", scheduledID)
	is("", scheduledID)

	f.quarantine("s5", usualID)
	_, err := p.undecided(t.Context(), "")
	require.EqualError(t, err,
		"several syncs are quarantined: choose one with --id: "+scheduledID+", "+usualID)
	got := run(t, "confirm", "--by", "ana@example.com")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "choose one with --id: "+scheduledID)
}

func TestUndecided_WithoutADatabase(t *testing.T) {
	for _, url := range []string{"sqlite://" + t.TempDir() + "/none.db", "nonsense"} {
		environ(t, map[string]string{"DATABASE_URL": url})
		p, _ := decider(t)
		got, err := p.undecided(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, usualID, got)
	}
}

func TestAccess_SaysHowToDecide(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	f.quarantine("s2", scheduledID)
	f.quarantine("s3", usualID)
	t.Setenv("SENTINELONE_BASE_URL", baseURL)
	got := run(t, "access")
	require.Equal(t, exitDone, got.code)
	require.Contains(t, got.errOut, "`starter confirm --id "+scheduledID+"` promotes it, `starter discard --id "+
		scheduledID+"` discards it; scheduled syncs are skipped until someone decides.\n")
	require.Contains(t, got.errOut,
		"See `starter status`; `starter confirm` promotes it, `starter discard` discards it.\n")
}

// A sync of the accounts says nothing new about who holds what.
func TestAccess_APartialSyncIsNoNews(t *testing.T) {
	f := newFixture(t)
	proven := f.sync(host, "s1", scene())
	f.quarantine("s2", usualID)
	accounts := []access.Collection{access.Accounts}
	f.receiveAs(store.BeginInput{Console: host, ID: "s3", StartedAt: time.Now(), Collections: accounts}, scene())
	p, err := f.db.Promote(t.Context(), "s3", store.PromoteInput{Collections: accounts})
	require.NoError(t, err)
	for _, args := range [][]string{nil, {"--as-of", p.At.Format(time.RFC3339Nano)}} {
		got := run(t, append([]string{"access"}, args...)...)
		require.Contains(t, got.errOut, "sync verified "+describe.Minute(proven))
		require.Contains(t, got.errOut, "is quarantined and not shown")
		answer := decode[accessAnswer](t, run(t, append([]string{"access", "-o", "json"}, args...)...))
		require.Equal(t, "s1", answer.Snapshot)
		require.True(t, proven.Equal(answer.ProvenAt))
		require.Equal(t, []string{"s2"}, answer.Quarantined)
	}

	f.sync(host, "s4", scene())
	got := run(t, "access")
	require.NotContains(t, got.errOut, "quarantined", "nothing of it could be promoted any more")
}

func TestAccess_SaysWhatWasNeverRead(t *testing.T) {
	f := newFixture(t)
	users := []access.Collection{access.Users}
	f.receiveAs(store.BeginInput{Console: host, ID: "s1", StartedAt: time.Now(), Collections: users}, scene())
	_, err := f.db.Promote(t.Context(), "s1", store.PromoteInput{Collections: users})
	require.NoError(t, err)
	got := run(t, "access")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.errOut, "note: the serviceUsers have never been synced: run `starter sync --wait`\n")
	require.NotContains(t, got.errOut, "the users")
}
