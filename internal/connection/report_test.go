package connection_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/connection"
)

var now = time.Date(2026, 3, 3, 9, 0, 0, 0, time.UTC)

func minutes(n int) access.Duration { return access.Duration(time.Duration(n) * time.Minute) }

func ago(d time.Duration) time.Time { return now.Add(-d) }

// well is evidence of which nothing is wrong.
func well() connection.Evidence {
	checked := ago(2 * time.Minute)
	finding := connection.Finding{OK: true, At: checked, LastOK: &checked}
	needed := []connection.Permission{
		{Name: "Users.view", Use: connection.Read, Granted: new(true)},
		{Name: "Users.edit", Use: connection.Write, Granted: new(true)},
	}
	return connection.Evidence{
		Console: "acmeco.example.net", CheckedAt: checked,
		Reachable: new(finding), Authenticated: new(finding),
		Permissions: &connection.Permissions{At: checked, Needed: needed, RoleKnown: true, Role: "Provisioner"},
		Sites:       &connection.Sites{At: checked, Seen: 3, Of: new(3)},
		FullSync:    &connection.Sync{ProvenAt: new(ago(5 * time.Hour))},
		DeltaSync:   &connection.DeltaSync{At: ago(4 * time.Minute), Every: minutes(5)},
		Changes:     &connection.Changes{ProvenAt: new(ago(3 * time.Hour)), Request: "grant/INC-42"},
		Drift:       &connection.Drift{At: new(ago(5 * time.Hour)), Counts: map[string]int{"granted": 7}},
		Ledger:      &connection.Ledger{At: checked, Seq: 41, Sealed: true},
		Token:       &connection.Token{At: checked, EndsAt: new(now.AddDate(0, 0, 90))},
		ServiceUserTokens: &connection.ServiceUserTokens{
			At: ago(5 * time.Hour),
		},
	}
}

func TestJudge_Well(t *testing.T) {
	t.Parallel()
	r := connection.Judge(well(), now)
	require.Equal(t, connection.Connected, r.Label)
	require.Equal(t, "the console answered and accepted the token 2 min ago (at most 15 min), and a full sync was "+
		"proven 5 h ago (at most 26 h)", r.Why)
	require.Equal(t, now.Add(13*time.Minute), *r.GoodUntil)
	require.Len(t, r.Rungs, 13)
	for _, rung := range r.Rungs {
		require.Equal(t, connection.OK, rung.State, rung.Name)
		require.NotNil(t, rung.At, rung.Name)
		require.NotEmpty(t, rung.Evidence, rung.Name)
	}
	require.Equal(t, "sealed to entry 41", r.Rung(connection.RungLedger).Evidence)
	require.Equal(t, "the token sees 3 of 3 sites", r.Rung(connection.RungSites).Evidence)
}

type evidence = connection.Evidence

// broken is what breaks one rung, and how that shows.
type broken struct {
	breaks func(*evidence)
	rung   string
	state  connection.State
	label  connection.Label
	says   string
}

const connected, degraded, disconnected = connection.Connected, connection.Degraded, connection.Disconnected

var brokenAtConsole = map[string]broken{
	"no answer, and none of late": {func(e *evidence) {
		e.Reachable = &connection.Finding{At: e.CheckedAt, LastOK: new(ago(time.Hour)), Detail: "no answer"}
	}, connection.RungReachable, connection.Wrong, disconnected, "no answer (last well 60 min ago)"},
	"no answer, after one of late": {func(e *evidence) {
		e.Reachable = &connection.Finding{At: e.CheckedAt, LastOK: new(ago(14 * time.Minute)), Detail: "no answer"}
	}, connection.RungReachable, connection.Wrong, degraded, "no answer (last well 14 min ago)"},
	"never reached": {func(e *evidence) {
		e.Reachable = &connection.Finding{At: e.CheckedAt, Detail: "no answer"}
	}, connection.RungReachable, connection.Wrong, disconnected, "no answer"},
	"not checked of late": {func(e *evidence) {
		e.Reachable.At, e.Reachable.LastOK = ago(16*time.Minute), new(ago(16*time.Minute))
	}, connection.RungReachable, connection.Wrong, disconnected, "last checked 16 min ago (at most 15 min)"},
	"checked tomorrow": {func(e *evidence) {
		e.Reachable.At, e.Reachable.LastOK = now.Add(time.Hour), new(now.Add(time.Hour))
	}, connection.RungReachable, connection.Wrong, disconnected, "which is ahead of this clock"},
	"never checked": {
		func(e *evidence) { e.Reachable = nil },
		connection.RungReachable, connection.Unknown, disconnected, "not checked yet",
	},
	"token rejected just now": {func(e *evidence) {
		e.Authenticated.OK, e.Authenticated.Detail = false, "401: the token is wrong"
	}, connection.RungAuthenticated, connection.Wrong, disconnected, "401: the token is wrong (last well 2 min ago)"},
	"token never tried": {
		func(e *evidence) { e.Authenticated = nil },
		connection.RungAuthenticated, connection.Unknown, disconnected, "has not said whether it accepts",
	},
	"a permission to read is missing": {
		func(e *evidence) { e.Permissions.Needed[0].Granted = new(false) },
		connection.RungRead, connection.Wrong, degraded, "lacks Users.view: add",
	},
	"a permission to read is not known": {
		func(e *evidence) { e.Permissions.Needed[0].Granted = nil },
		connection.RungRead, connection.Unknown, degraded, "not known: Users.view",
	},
	"a permission to write is missing": {
		func(e *evidence) { e.Permissions.Needed[1].Granted = new(false) },
		connection.RungWrite, connection.Wrong, degraded, "lacks Users.edit: add",
	},
	"a permission to write is not known": {
		func(e *evidence) { e.Permissions.Needed[1].Granted = nil },
		connection.RungWrite, connection.Unknown, connected, "not known: Users.edit",
	},
	"excessive permissions": {func(e *evidence) {
		e.Permissions.Excessive, e.Permissions.ExcessiveCount = []string{"Sites.delete", "Sites.edit"}, 9
	}, connection.RungExcess, connection.Notice, connected, "9 permissions more than the worker needs: " +
		"Sites.delete, Sites.edit and 7 more"},
	"the role is not known": {
		func(e *evidence) { e.Permissions.RoleKnown = false },
		connection.RungExcess, connection.Unknown, connected, "does not tell the permissions",
	},
	"a site is out of sight": {
		func(e *evidence) { e.Sites.Seen = 2 },
		connection.RungSites, connection.Wrong, degraded, "sees 2 of 3 sites: use",
	},
	"the number of sites is not known": {
		func(e *evidence) { e.Sites.Of = nil },
		connection.RungSites, connection.Unknown, connected, "sees 3; the console does not say",
	},
}

var brokenInStore = map[string]broken{
	"the sync is old": {
		func(e *evidence) { e.FullSync.ProvenAt = new(ago(27 * time.Hour)) },
		connection.RungFullSync, connection.Wrong, degraded, "last proven 27 h ago (at most 26 h): run",
	},
	"no sync": {
		func(e *evidence) { e.FullSync.ProvenAt = nil },
		connection.RungFullSync, connection.Wrong, degraded, "no sync is proven: run",
	},
	"a collection is not proven": {func(e *evidence) {
		e.FullSync.ProvenAt, e.FullSync.Unread = nil, []string{"serviceUsers"}
	}, connection.RungFullSync, connection.Wrong, degraded, "no sync has proven serviceUsers: run"},
	"a quarantined sync": {func(e *evidence) {
		e.FullSync.Quarantined, e.FullSync.QuarantinedSince = 1, new(ago(3*time.Hour))
	}, connection.RungFullSync, connection.Wrong, degraded, "1 snapshot quarantined for 3 h: run"},
	"the store does not say": {
		func(e *evidence) { e.FullSync = nil },
		connection.RungFullSync, connection.Unknown, degraded, "not looked up yet",
	},
	"the delta sync is old": {
		func(e *evidence) { e.DeltaSync.At = ago(61 * time.Minute) },
		connection.RungDeltaSync, connection.Wrong, degraded, "the last one ended 61 min ago (at most 1 h)",
	},
	"the delta sync is old for its schedule": {
		func(e *evidence) { e.DeltaSync.At, e.DeltaSync.Every = ago(3*time.Hour+time.Minute), minutes(90) },
		connection.RungDeltaSync, connection.Wrong, degraded, "the last one ended 3 h ago (at most 3 h)",
	},
	"the delta sync is old, and the next one is a full one": {
		func(e *evidence) { e.DeltaSync.At, e.DeltaSync.Why = ago(2*time.Hour), "the console answers 403" },
		connection.RungDeltaSync, connection.Wrong, degraded,
		"ended 2 h ago (at most 1 h), and the next one is a full sync: the console answers 403",
	},
	"delta syncs by hand": {
		func(e *evidence) { e.DeltaSync.At, e.DeltaSync.Every = ago(9*24*time.Hour), 0 },
		connection.RungDeltaSync, connection.Notice, connected,
		"the last one ended 9 days ago, and no schedule starts them: run `starter schedule set --delta 5m` for one",
	},
	"the schedule of delta syncs is paused": {
		func(e *evidence) { e.DeltaSync.At, e.DeltaSync.Every, e.DeltaSync.Paused = ago(2*time.Hour), 0, true },
		connection.RungDeltaSync, connection.Notice, connected,
		"the last one ended 2 h ago, and their schedule is paused: run `starter schedule resume --mode delta`",
	},
	"no delta sync": {
		func(e *evidence) { e.DeltaSync = nil },
		connection.RungDeltaSync, connection.Unknown, connected, "no delta sync has run",
	},
	"the feed missed changes": {
		func(e *evidence) {
			e.DeltaSync.Missed, e.DeltaSync.Changes, e.DeltaSync.MeasuredAt = 1, 40, new(ago(5*time.Hour))
		},
		connection.RungDeltaSync, connection.Notice, connected,
		"missed 1 of 40 changes before the full sync of 2026-03-03 04:00 UTC: run full syncs more often",
	},
	"the next delta sync is a full one": {
		func(e *evidence) { e.DeltaSync.Why = "the console answers 403" },
		connection.RungDeltaSync, connection.Notice, connected, "the next one is a full sync: the console answers 403",
	},
	"a change waits": {func(e *evidence) {
		e.Changes.Waiting, e.Changes.WaitingSince, e.Changes.WaitingFor = 2, new(ago(3*time.Hour)), "grant/INC-42"
	}, connection.RungChanges, connection.Wrong, degraded, "2 steps of requests wait for the console, that of " +
		"grant/INC-42 for 3 h: run `starter show grant/INC-42`"},
	"no change yet": {
		func(e *evidence) { e.Changes.ProvenAt = nil },
		connection.RungChanges, connection.Unknown, connected, "no change has been made yet",
	},
	"access is overdue": {
		func(e *evidence) { e.Drift.Counts["overdue"] = 1 },
		connection.RungDrift, connection.Wrong, degraded, "1 overdue: run `starter drift`",
	},
	"access is unauthorized": {
		func(e *evidence) { e.Drift.Counts["unauthorized"] = 1 },
		connection.RungDrift, connection.Wrong, degraded, "1 unauthorized: run",
	},
	"access was given by hand": {
		func(e *evidence) { e.Drift.Counts["unexplained"] = 4 },
		connection.RungDrift, connection.Notice, connected, "4 unexplained: run",
	},
	"nothing was explained": {
		func(e *evidence) { e.Drift.At = nil },
		connection.RungDrift, connection.Unknown, connected, "before the first proven sync",
	},
	"a seal does not count": {
		func(e *evidence) { e.Ledger.Fault = "no trusted key has sealed it" },
		connection.RungLedger, connection.Wrong, degraded, "entry 41, the head, does not count: no trusted key",
	},
	"the ledger is not sealed": {
		func(e *evidence) { e.Ledger.Sealed = false },
		connection.RungLedger, connection.Notice, connected, "entry 41, the last one, is not sealed: set LEDGER_KEY",
	},
	"the ledger is not known": {
		func(e *evidence) { e.Ledger = nil },
		connection.RungLedger, connection.Unknown, degraded, "not looked up yet",
	},
	"the token ends in a month": {
		func(e *evidence) { e.Token.EndsAt = new(now.AddDate(0, 0, 29)) },
		connection.RungToken, connection.Notice, connected, "ends in 29 days, on 2026-04-01 09:00 UTC: make",
	},
	"the token ends in 2 days": {
		func(e *evidence) { e.Token.EndsAt = new(now.AddDate(0, 0, 2)) },
		connection.RungToken, connection.Wrong, degraded, "ends in 2 days, on 2026-03-05 09:00 UTC: make",
	},
	"the token has ended": {
		func(e *evidence) { e.Token.EndsAt = new(ago(time.Hour)) },
		connection.RungToken, connection.Wrong, degraded, "has ended, on 2026-03-03 08:00 UTC: make",
	},
	"the console does not say when": {
		func(e *evidence) { e.Token.EndsAt = nil },
		connection.RungToken, connection.Unknown, connected, "does not say when it ends",
	},
	"a service user's token ends": {
		func(e *evidence) {
			e.ServiceUserTokens.EndingCount = 7
			e.ServiceUserTokens.Ending = []connection.TokenEnd{{ID: "5", Name: "ci", EndsAt: now.AddDate(0, 0, 3)}}
		}, connection.RungServiceUserTokens, connection.Notice, connected,
		"7 tokens end within 30 days, the next one that of",
	},
	"service users are not known": {
		func(e *evidence) { e.ServiceUserTokens = nil },
		connection.RungServiceUserTokens, connection.Unknown, connected, "before the first proven sync",
	},
}

// Each case breaks one rung. All others stay as they were.
func TestJudge_EachRungShownWrong(t *testing.T) {
	t.Parallel()
	cases := maps.Clone(brokenAtConsole)
	maps.Copy(cases, brokenInStore)
	require.Len(t, cases, len(brokenAtConsole)+len(brokenInStore))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := well()
			c.breaks(&e)
			r := connection.Judge(e, now)
			require.Equal(t, c.label, r.Label)
			require.Equal(t, c.state, r.Rung(c.rung).State)
			require.Contains(t, r.Rung(c.rung).Evidence, c.says)
			require.Equal(t, c.label == connected, r.GoodUntil != nil)
			if c.label != connected {
				require.Contains(t, r.Why, c.says, "the reason is that of the rung")
			}
			for _, other := range r.Rungs {
				if other.Name != c.rung {
					require.Equal(t, connection.OK, other.State, "%s: %s", other.Name, other.Evidence)
				}
			}
		})
	}
}

// A label holds until the time that it names, and no longer, whatever happens to those who check.
func TestJudge_ConnectedIsNeverOld(t *testing.T) {
	t.Parallel()
	e := well()
	good := *connection.Judge(e, now).GoodUntil
	require.Equal(t, connection.Connected, connection.Judge(e, good).Label)
	later := connection.Judge(e, good.Add(time.Second))
	require.Equal(t, connection.Disconnected, later.Label)
	require.Contains(t, later.Why, "last checked 15 min ago (at most 15 min): see whether `worker` runs")

	for minutes := range 48 * 60 {
		at := now.Add(time.Duration(minutes) * time.Minute)
		if connection.Judge(e, at).Label == connection.Connected {
			require.LessOrEqual(t, at.Sub(e.Authenticated.At), connection.MaxCheckAge)
			require.LessOrEqual(t, at.Sub(*e.FullSync.ProvenAt), connection.MaxSyncAge)
		}
	}
}

// How long a report is good depends on delta syncs where a schedule starts them, and no further than they may be old.
func TestJudge_GoodUntilDeltaSync(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age   time.Duration
		every int // minutes
		good  time.Duration
	}{
		"scheduled":      {55 * time.Minute, 5, 5 * time.Minute},
		"each 90 min":    {175 * time.Minute, 90, 5 * time.Minute},
		"long ago":       {55 * time.Minute, 90, 13 * time.Minute},
		"by hand":        {55 * time.Minute, 0, 13 * time.Minute},
		"by hand, older": {55 * time.Hour, 0, 13 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := well()
			e.DeltaSync = &connection.DeltaSync{At: ago(c.age), Every: minutes(c.every)}
			r := connection.Judge(e, now)
			require.Equal(t, connection.Connected, r.Label, r.Why)
			require.Equal(t, c.good, r.GoodUntil.Sub(now))
		})
	}
}

// Permissions that were seen long ago say nothing about now, even while the console answers.
func TestJudge_OldPermissions(t *testing.T) {
	t.Parallel()
	e := well()
	e.Permissions.At = ago(time.Hour)
	r := connection.Judge(e, now)
	require.Equal(t, connection.Degraded, r.Label)
	require.Equal(t, "permitted to read: last checked 60 min ago (at most 15 min)", r.Why)
}

// A sync that runs is about to prove what is too old, and nothing else.
func TestJudge_Syncing(t *testing.T) {
	t.Parallel()
	e := well()
	e.Running = &connection.Running{WorkflowID: "sync/acmeco.example.net", StartedAt: ago(3 * time.Minute)}
	e.FullSync, e.DeltaSync = &connection.Sync{}, nil
	r := connection.Judge(e, now)
	require.Equal(t, connection.Syncing, r.Label)
	require.Equal(t, "sync/acmeco.example.net began 3 min ago", r.Why)
	require.Equal(t, now.Add(13*time.Minute), *r.GoodUntil)
	require.Equal(t, connection.Wrong, r.Rung(connection.RungFullSync).State, "the rung says what is proven")

	e.Permissions.Needed[0].Granted = new(false)
	require.Equal(t, connection.Degraded, connection.Judge(e, now).Label)
	e.Authenticated.OK = false
	require.Equal(t, connection.Disconnected, connection.Judge(e, now).Label)

	e = well()
	e.Running = &connection.Running{WorkflowID: "nightly", StartedAt: ago(time.Hour)}
	e.FullSync.Quarantined = 1
	require.Equal(t, connection.Degraded, connection.Judge(e, now).Label, "a person has to decide about the other")
}

// A worker that never writes needs no permission to.
func TestJudge_ReadOnly(t *testing.T) {
	t.Parallel()
	e := well()
	e.ReadOnly, e.Permissions.Needed = true, e.Permissions.Needed[:1]
	r := connection.Judge(e, now)
	require.Equal(t, connection.Connected, r.Label)
	require.Contains(t, r.Rung(connection.RungWrite).Evidence, "not needed: SENTINELONE_READ_ONLY")
}

func TestUnchecked(t *testing.T) {
	t.Parallel()
	r := connection.Unchecked("acmeco.example.net", "no check is on record: start `worker`", now)
	require.Equal(t, connection.Disconnected, r.Label)
	require.Equal(t, "no check is on record: start `worker`", r.Why)
	for _, rung := range r.Rungs {
		require.Equal(t, connection.Unknown, rung.State, rung.Name)
	}
}

// Of several warnings that are due, it is the latest, and none once the token has ended.
func TestWarningDue(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for left, want := range map[time.Duration]int{
		31 * day: 0, 30*day + 1: 0, 30 * day: 30, 15 * day: 30, 14 * day: 14, 4 * day: 14, 3 * day: 3, 2 * day: 3,
		day: 1, time.Minute: 1, 0: 0, -day: 0,
	} {
		require.Equal(t, want, connection.WarningDue(now.Add(left), now), "%s before", left)
	}
}
