//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/drift"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// drifted is a console of which a first sync was explained, and where carol has since given ana Admin and SOC by hand.
// SOC is also a lease of ours that had to be gone an hour ago.
func drifted(t *testing.T, host string) *fixture {
	t.Helper()
	f := newFixture(t)
	now := time.Now().UTC()
	f.synced(host, "first", now.Add(-3*time.Hour), scene())
	f.explain(host, now)
	second := scene()
	for i, e := range second {
		if p, is := e.(access.Principal); is && p.ID == "401" {
			second[i] = ana("301", "302")
		}
		if p, is := e.(access.Principal); is && p.ID == "402" {
			p.Held = append(p.Held, access.HeldRole{RoleID: "301", ScopeID: "100"})
			second[i] = p
		}
	}
	f.synced(host, "second", now.Add(-time.Minute), second)
	lease := store.Claim{
		Holding: access.Holding{Level: access.SiteLevel, RoleID: "302", ScopeID: "201"}, ID: "grant/INC-42#run",
		Op: store.ClaimLease, Request: "grant/INC-42", Run: "run", State: store.ClaimOpen,
		Proven: true, Authorized: true, Principal: ledger.Subject{Kind: access.User, ID: "401"},
		Began: now.Add(-2 * time.Hour), Due: now.Add(-time.Hour), Why: "end",
	}
	saved, err := f.db.SaveClaims(t.Context(), host, store.ClaimsUpdate{
		Runs: []ledger.Run{lease.Of()}, Claims: []store.Claim{lease},
	})
	require.NoError(t, err)
	require.True(t, saved)
	f.explain(host, now)
	return f
}

func (f *fixture) synced(host, id string, startedAt time.Time, entities []access.Entity) {
	f.t.Helper()
	f.receive(host, id, startedAt, entities)
	_, err := f.db.Promote(f.t.Context(), id, store.PromoteInput{Collections: access.Collections()})
	require.NoError(f.t, err)
}

func (f *fixture) explain(host string, now time.Time) {
	f.t.Helper()
	_, err := f.db.Explain(f.t.Context(), host, now)
	require.NoError(f.t, err)
}

// drift lists what the ledger does not explain, and fails if there is any.
func TestDrift(t *testing.T) {
	drifted(t, host)
	got := run(t, "drift")
	require.Equal(t, exitFailed, got.code)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 3, got.out)
	require.Contains(t, lines[1], "overdue")
	require.Contains(t, lines[1], "ana@example.com")
	require.Contains(t, lines[1], "grant/INC-42")
	require.Contains(t, lines[2], "unexplained")
	require.Contains(t, lines[2], "bob@example.com")
	require.Contains(t, got.errOut, "drift: 1 overdue, 1 unexplained")

	got = run(t, "drift", "--kind", "missing")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.errOut, "no drift")
	got = run(t, "drift", "--user", "bob@example.com", "--limit", "1")
	require.Equal(t, exitFailed, got.code)
	require.NotContains(t, got.out, "overdue")
	require.Equal(t, exitUsage, run(t, "drift", "--kind", "strange").code)
	require.Equal(t, exitUsage, run(t, "drift", "--limit", "-1").code)
	require.Equal(t, exitFailed, run(t, "drift", "--user", "zoe@example.com").code)
}

func TestDrift_JSON(t *testing.T) {
	drifted(t, host)
	got := run(t, "drift", "-o", "json")
	require.Equal(t, exitFailed, got.code)
	var answer struct {
		driftAnswer
		Drift  []store.DriftRow `json:"drift"`
		Counts drift.Counts     `json:"counts"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &answer))
	require.Equal(t, drift.Counts{drift.Overdue: 1, drift.Unexplained: 1, drift.Missing: 0, drift.Unauthorized: 0},
		answer.Counts)
	require.Len(t, answer.Drift, 2)
	require.Equal(t, "second", answer.Snapshot)
	require.Equal(t, "grant/INC-42", answer.Drift[0].Request)
	require.NotNil(t, answer.ExplainedAt)

	got = run(t, "drift", "-o", "json", "--kind", "missing")
	require.Equal(t, exitDone, got.code)
	require.NoError(t, json.Unmarshal([]byte(got.out), &answer))
	require.Empty(t, answer.Drift)
}

// check reports drift, and fails on it with --strict.
func TestCheck_Drift(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	drifted(t, strings.TrimPrefix(s.URL, "http://"))
	t.Setenv("SENTINELONE_BASE_URL", s.URL)
	t.Setenv("SENTINELONE_API_TOKEN", canary)
	got := run(t, "check")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `✗  drift +1 overdue, 1 unexplained: run .starter drift.`, got.out)
	strict := run(t, "check", "--strict")
	require.Equal(t, exitFailed, strict.code)
	require.Contains(t, strict.errOut, "error: drift: 1 overdue, 1 unexplained")
}

// access says of each role what it is, by the ledger.
func TestAccess_Origin(t *testing.T) {
	drifted(t, host)
	got := run(t, "access")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^PRINCIPAL .* ORIGIN$`, got.out)
	require.Regexp(t, `(?m)^ana@example.com .* SOC .* overdue since .* by grant/INC-42$`, got.out)
	require.Regexp(t, `(?m)^ana@example.com .* Admin .* baseline$`, got.out)
	require.Regexp(t, `(?m)^bob@example.com .* Admin .* unexplained$`, got.out)
	got = run(t, "access", "--user", "ana@example.com", "-o", "json")
	rows := decode[accessAnswer](t, got).Rows
	require.Len(t, rows, 2)
	require.Equal(t, drift.Overdue, rows[1].Origin.Kind)
	require.NotContains(t, run(t, "access", "--as-of", "2020-01-01").out, "ORIGIN")
}

// The table names who made a change, as far as the activity feed did, with nothing in a name that controls a terminal.
func TestDrift_By(t *testing.T) {
	since := time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)
	rows := []store.DriftRow{
		{Drift: drift.Unexplained, Email: "ana@example.com", Since: since, By: []string{"Carol Roy", hostile}},
		{Drift: drift.Missing, Email: "bob@example.com", Since: since},
	}
	header, lines := driftTable(rows)
	require.Equal(t, "by", header[len(header)-1])
	require.Equal(t, `Carol Roy, "`+hostile+`"`, lines[0][len(header)-1])
	require.Empty(t, lines[1][len(header)-1])
	var out strings.Builder
	(&app{out: &out}).emitTable(header, lines)
	requireSafe(t, "drift", out.String())
	require.Contains(t, out.String(), "Carol Roy, ")
}

// `status` shows the drift in a few words, and where to look.
func TestStatus_DriftLine(t *testing.T) {
	drifted(t, host)
	line := func() (string, *store.DriftSummary) {
		a := &app{now: time.Now, out: &strings.Builder{}, err: &strings.Builder{}}
		var err error
		a.cfg, err = config.LoadUnchecked()
		require.NoError(t, err)
		return a.driftLine(t.Context())
	}
	text, summary := line()
	require.Equal(t, "1 overdue, 1 unexplained: run `starter drift`", text)
	require.Equal(t, 1, summary.Counts[drift.Overdue])

	f := newFixture(t)
	text, summary = line()
	require.Empty(t, text, "nothing was explained yet")
	require.Nil(t, summary)
	now := time.Now().UTC()
	f.synced(host, "first", now.Add(-time.Hour), scene())
	f.explain(host, now)
	text, summary = line()
	require.Equal(t, "none", text)
	require.Zero(t, summary.Counts.Drift())
}
