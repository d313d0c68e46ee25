//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
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
func decider(t *testing.T) (p *program, remarks *strings.Builder) {
	t.Helper()
	t.Setenv("SENTINELONE_BASE_URL", baseURL)
	cfg, err := config.LoadUnchecked()
	require.NoError(t, err)
	remarks = &strings.Builder{}
	return &program{out: remarks, err: remarks, now: time.Now, cfg: cfg}, remarks
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
		scheduledID+"` drops it; scheduled syncs are skipped until someone decides.\n")
	require.Contains(t, got.errOut,
		"See `starter status`; `starter confirm` promotes it, `starter discard` drops it.\n")
}
