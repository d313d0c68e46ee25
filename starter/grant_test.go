//nolint:thelper // subtests have names of their own
package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// Every command that changes roles, against a console and a worker. Those that use
// people of their own run side by side, since a proof of absence takes five seconds.
func TestRequests(t *testing.T) {
	l := newLive(t)
	l.sync("s1")
	require.True(t, t.Run("beside", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *live){
			"permanent": grantedForGood, "time-bound": grantedForATime, "scheduled": scheduledGrant,
			"revoked": revoked, "refused": refusedGrant, "names": badNames, "odd names": oddNames, "dry run": dryRun,
			"unknown":        unknownRequest,
			"not waited for": notWaitedFor, "interrupted": interruptedGrant, "one id for two": oneIDForTwo,
			"file": appliedFile, "file stops": appliedFileStops, "file scopes": appliedFileScopes,
			"file of another": appliedFileOfAnother, "file of a spreadsheet": appliedFileOfASpreadsheet,
			"user": createdUser, "service user": createdServiceUser, "offboarded": offboardedUser,
			"token": rotatedToken, "account cancelled": calledOffUser,
			"account approved": consentedUser, "account denied": deniedServiceUser,
			"consent": consentedGrant, "denied": deniedGrant, "consent file": consentedFile,
			"delegated":    delegatedDecisions,
			"file dry run": appliedFileDryRun, "file interrupted": appliedFileInterrupted,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, l)
			})
		}
	}))
	require.True(t, t.Run("frozen", func(t *testing.T) { frozenGiving(t, l) }))
	require.True(t, t.Run("whole", func(t *testing.T) { ledgerWhole(t, l) }))
	require.True(t, t.Run("worker gone", func(t *testing.T) { requestsWithoutWorker(t, l) }))
	require.True(t, t.Run("Temporal gone", func(t *testing.T) { requestsWithoutTemporal(t, l) }))
}

// answers runs a question about something open until the answer is as wanted: a busy
// machine may leave it unanswered for longer than the program waits.
func answers(t *testing.T, want string, args ...string) ran {
	t.Helper()
	var got ran
	require.Eventually(t, func() bool {
		got = run(t, args...)
		return got.code == exitDone && regexp.MustCompile(want).MatchString(got.out)
	}, waitLimit, pollEvery, "%s", want)
	return got
}

// asked runs a grant or revoke of a role at a site.
func asked(t *testing.T, command, email, role, site string, more ...string) ran {
	t.Helper()
	return run(t, append([]string{command, "--user", email, "--role", role, "--scope", site}, more...)...)
}

func grantedForGood(t *testing.T, l *live) {
	ana := l.person("good@example.com")
	got := asked(t, "grant", "good@example.com", "SOC", "Acme / Berlin", "--id", "INC-1", "--reason", "on call")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.True(t, l.holds(ana, "SOC", "Acme / Berlin"))
	require.Contains(t, got.out, "\nstate    granted, applied and verified\n")
	require.Contains(t, got.errOut,
		`assuming "Acme / Berlin" is a site, as in the last sync; pass --level if it is not`)
	require.Contains(t, got.errOut, "requested: grant/INC-1\n")
	require.Contains(t, got.errOut, "`starter show INC-1`")

	shown := run(t, "show", "INC-1")
	require.Equal(t, exitDone, shown.code, shown.errOut)
	for _, want := range []string{
		`(?m)^request +grant/INC-1$`, `(?m)^requested +by bob@example.com on .* UTC$`, `(?m)^reason +on call$`,
		`(?m)^what +grant user good@example.com \(\d+\) role SOC \(\d+\) at site Acme / Berlin \(\d+\), permanent$`,
		`(?m)^state +granted, applied and verified$`, `(?m)^before +Viewer \(\d+\) at site Acme / Only Acme \(\d+\)$`,
		`(?m)^after +SOC \(\d+\) at site Acme / Berlin \(\d+\)$`, `(?m)^approval +no approval required`,
		`(?m)^receipt +[0-9a-f]{64}, intact$`,
		`(?m)^signed +unsigned: names are claims: one person can be the requester, both approvers and the reviewer$`,
		`(?m)^.* UTC +grant: read +SOC \(\d+\) absent, 1 role in total$`,
		`(?m)^.* UTC +grant: write +PUT /users/\d+: 200$`,
		`(?m)^.* UTC +grant: read +SOC \(\d+\) present, 2 roles in total$`,
	} {
		require.Regexp(t, want, shown.out)
	}
	receipt := decode[access.Receipt](t, run(t, "show", "grant/INC-1", "-o", "json"))
	require.True(t, receipt.Intact())
	require.Equal(t, "grant/INC-1", receipt.Request)

	again := decode[requestAnswer](t, asked(t, "grant", ana.ID, l.roles["SOC"], l.sites["Acme / Berlin"], "-o", "json"))
	require.Equal(t, wire.StateGranted, again.State)
	require.Equal(t, access.AlreadyHeld, again.Result.Outcome)
	require.Regexp(t, `^grant/[a-z0-9]{8}$`, again.WorkflowID)

	for _, more := range [][]string{{"--id", "grant/INC-1"}, {"--id", "INC-1", "--dry-run"}} {
		taken := asked(t, "grant", "good@example.com", "Admin", "Acme / Berlin", more...)
		require.Equal(t, exitFailed, taken.code)
		require.Regexp(t, `error: grant/INC-1 is already in use: requested by bob@example.com on .* UTC: grant user `+
			`good@example.com .* role SOC .* permanent; the state is granted; choose another --id, or `+
			"run `starter show INC-1`\n$", taken.errOut)
	}
	ended := run(t, "end", "INC-1")
	require.Equal(t, exitFailed, ended.code)
	require.Contains(t, ended.errOut, "grant/INC-1 has already ended (requested by bob@example.com on ")
	require.Contains(t, ended.errOut, "): remove the role with `starter revoke`\n")

	rows := decode[requestsAnswer](t, run(t, "requests", "--limit", "0", "-o", "json")).Requests
	require.Contains(t, rowIDs(rows), "grant/INC-1 granted applied")
}

func rowIDs(rows []requestrecord.Row) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.ID + " " + r.State + " " + string(r.Outcome)
	}
	return out
}

func grantedForATime(t *testing.T, l *live) {
	ana := l.person("timed@example.com")
	got := asked(t, "grant", "timed@example.com", "SOC", "Globex / Berlin", "--for", "1d", "--id", "INC-2")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.True(t, l.holds(ana, "SOC", "Globex / Berlin"))
	require.Regexp(t, `(?m)^state +active until .* UTC$`, got.out)
	require.Contains(t, got.errOut,
		"end it earlier with `starter end INC-2`, or extend it with `starter extend INC-2 --for 2h`")

	taken := asked(t, "grant", "timed@example.com", "SOC", "Globex / Berlin", "--id", "INC-2")
	require.Contains(t, taken.errOut, "the state is active until ")

	answers(t, `(?m)^grant/INC-2 +grant 24h +timed@example.com +SOC +Globex / Berlin +bob@example.com `+
		`.* active until .* UTC$`, "requests", "--open")
	answers(t, `(?m)^waiting +for its end at `, "show", "INC-2")
	before := decode[wire.RequestStatus](t, answers(t, `"state": "active"`, "show", "INC-2", "-o", "json"))

	late := run(t, "cancel", "INC-2")
	require.Equal(t, exitFailed, late.code)
	require.Contains(t, late.errOut, "error: cannot cancel: the state is active, waiting for its end at ")

	long := run(t, "extend", "INC-2", "--for", "400d")
	require.Equal(t, exitFailed, long.code)
	require.Contains(t, long.errOut, "the policy allows 8784h")
	extended := decode[updateAnswer](t, run(t, "extend", "grant/INC-2", "--for", "2h", "-o", "json"))
	require.Equal(t, 2*time.Hour, extended.EndsAt.Sub(*before.EndsAt))

	ended := run(t, "end", "INC-2", "--by", "carol@example.com")
	require.Equal(t, exitDone, ended.code, ended.errOut)
	require.Equal(t, "grant/INC-2 ended by carol@example.com: role removed and verified (2 reads)\n", ended.out)
	require.False(t, l.holds(ana, "SOC", "Globex / Berlin"))
	gone := regexp.MustCompile(`(?m)^.* UTC +release: read +SOC \(\d+\) absent, 1 role in total$`)
	require.Len(t, gone.FindAllString(run(t, "show", "INC-2").out, -1), 2)
	for _, args := range [][]string{{"end", "INC-2"}, {"extend", "INC-2", "--for", "1h"}, {"cancel", "grant/INC-2"}} {
		over := run(t, args...)
		require.Equal(t, exitFailed, over.code, args)
		require.Contains(t, over.errOut, "error: grant/INC-2 has already ended (requested by bob@example.com on ")
		require.Contains(t, over.errOut, "): see `starter show INC-2`\n")
	}
}

func scheduledGrant(t *testing.T, l *live) {
	ana := l.person("later@example.com")
	got := asked(t, "grant", "later@example.com", "SOC", "Acme / Berlin",
		"--start", "2h", "--for", "1h", "--id", "INC-3")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^state +scheduled, starts .* UTC$`, got.out)
	require.Contains(t, got.errOut, "cancel it before then with `starter cancel INC-3`")
	answers(t, `(?m)^state +scheduled, starts .* UTC$`, "show", "INC-3")

	early := run(t, "end", "INC-3")
	require.Equal(t, exitFailed, early.code)
	require.Contains(t, early.errOut, "the state is scheduled")
	cancelled := run(t, "cancel", "INC-3", "--by", "carol@example.com")
	require.Equal(t, exitDone, cancelled.code, cancelled.errOut)
	require.Equal(t, "cancelled by carol@example.com: grant/INC-3\n", cancelled.out)
	require.False(t, l.holds(ana, "SOC", "Acme / Berlin"))
	require.Regexp(t, `(?m)^message +cancelled by carol@example.com$`, run(t, "show", "INC-3").out)
}

func revoked(t *testing.T, l *live) {
	ana := l.person("gone@example.com")
	require.Equal(t, exitDone, asked(t, "grant", "gone@example.com", "SOC", "Acme / Berlin").code)
	got := asked(t, "revoke", "gone@example.com", "SOC", "Acme / Berlin", "--id", "CHG-1")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.out, "state    revoked, role removed and verified (2 reads)\n")
	require.False(t, l.holds(ana, "SOC", "Acme / Berlin"))
	for _, id := range []string{"CHG-1", "revoke/CHG-1"} {
		require.Contains(t, run(t, "show", id).out, "revoke: write")
	}
	last := asked(t, "revoke", "gone@example.com", "Viewer", "Acme / Only Acme")
	require.Equal(t, exitFailed, last.code)
	require.Contains(t, last.errOut, "error: refused: it is the principal's last role")
	require.True(t, l.holds(ana, "Viewer", "Acme / Only Acme"))
}

func refusedGrant(t *testing.T, l *live) {
	ana := l.person("level@example.com")
	args := []string{"grant", "--user", "level@example.com", "--role", "SOC", "--scope", "Acme", "--level", "account"}
	got := run(t, append(args, "--id", "INC-4")...)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "error: refused: it would move the principal from site to account level")
	require.Contains(t, got.errOut, "to allow that, request it again with `starter grant --allow-level-change`")
	require.Regexp(t, `(?m)^state +refused$`, got.out)
	require.Regexp(t, `(?m)^refusal +it would move the principal`, run(t, "show", "INC-4").out)

	planned := run(t, append(args, "--dry-run")...)
	require.Equal(t, exitFailed, planned.code)
	require.Contains(t, planned.errOut, "error: it would be refused: it would move the principal")
	planned = run(t, append(args, "--dry-run", "--allow-level-change")...)
	require.Equal(t, exitDone, planned.code, planned.errOut)
	require.Regexp(t, `(?m)^loses +Viewer \(\d+\) at site Acme / Only Acme`, planned.out)
	require.Regexp(t, `(?m)^after +SOC \(\d+\) at account Acme \(\d+\)$`, planned.out)
	require.True(t, l.holds(ana, "Viewer", "Acme / Only Acme"))
}

func badNames(t *testing.T, l *live) {
	l.person("bad.names@example.com")
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{
			"an unknown e-mail",
			[]string{"--user", "bad.names@example.co", "--role", "SOC", "--scope", "tenant"},
			[]string{`no user "bad.names@example.co" is on the console; did you mean bad.names@example.com (`},
		},
		{
			"an unknown id",
			[]string{"--user", "1400000000000000001", "--role", "SOC", "--scope", "tenant"},
			[]string{"no user with id 1400000000000000001 is on the console"},
		},
		{
			"two service users of one name",
			[]string{"--service-user", "svc.twin", "--role", "SOC", "--scope", "Acme / Berlin"},
			[]string{`service user "svc.twin" matches 2: svc.twin (`, "name one by its id"},
		},
		{
			"a role of another account",
			[]string{"--user", "bad.names@example.com", "--role", "Auditor", "--scope", "Acme / Berlin"},
			[]string{`refused: role "Auditor" (`, "cannot be granted at site"},
		},
		{
			"a site name that two accounts have",
			[]string{"--user", "bad.names@example.com", "--role", "SOC", "--scope", "Berlin"},
			[]string{`site "Berlin" matches 2: "Acme / Berlin" (`, `"Globex / Berlin" (`, "name one by its id"},
		},
	} {
		for _, more := range [][]string{nil, {"--dry-run"}} {
			got := run(t, append(append([]string{"grant"}, c.args...), more...)...)
			require.Equal(t, exitFailed, got.code, c.name)
			for _, want := range c.want {
				require.Contains(t, got.errOut, want, c.name)
			}
		}
	}
	got := asked(t, "grant", "bad.names@example.com", "SOC", "Acme")
	require.Equal(t, exitUsage, got.code, "an account and a site are called so")
	require.Contains(t, got.errOut, `"Acme" is the name of an account and of a site`)

	got = run(t, "grant", "--user", "nobody@example.com", "--role", "SOC", "--scope", "tenant", "--id", "INC-5")
	require.Equal(t, exitFailed, got.code)
	shown := run(t, "show", "INC-5")
	require.Equal(t, exitDone, shown.code, shown.errOut)
	require.Regexp(t, `(?m)^state +failed$`, shown.out)
	require.Regexp(t, `(?m)^message +no user "nobody@example.com" is on the console`, shown.out)
}

// A name that ends in a blank or has characters that print nothing can be typed as it is offered, and
// deleted sites are not offered.
func oddNames(t *testing.T, l *live) {
	ana := l.person("odd.names@example.com")
	got := asked(t, "grant", "odd.names@example.com", "Oddity", "Acme / Berlin", "--dry-run")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `no role "Oddity" is on the console; did you mean `)
	require.Contains(t, got.errOut, `"Odd\u200b" (`)
	for typed, role := range map[string]string{
		`"Odd\u200b"`: "Odd\u200b", "Odd": "Odd", "Blank": "Blank ", `"Blank "`: "Blank ",
	} {
		got = asked(t, "grant", "odd.names@example.com", typed, "Acme / Berlin", "--dry-run", "-o", "json")
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Equal(t, l.roles[role], decode[requestAnswer](t, got).Result.Plan.Role.ID, typed)
	}
	for _, typed := range []string{
		"Acme / Paris North", "Acme / Paris North ", `"Acme / Paris North "`, "Paris North",
	} {
		got = asked(t, "grant", "odd.names@example.com", "SOC", typed, "--level", "site", "--dry-run", "-o", "json")
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Equal(t, l.sites["Acme / Paris North "], decode[requestAnswer](t, got).Result.Plan.Scope.ID, typed)
	}
	got = asked(t, "grant", "odd.names@example.com", "SOC", "Paris", "--level", "site", "--dry-run")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, `no site "Paris" is on the console; did you mean "Acme / Paris North " (`)
	require.NotContains(t, got.errOut, l.sites["Acme / Paris"])
	path := file(t, `grant,odd.names@example.com,"Blank ",Acme / Paris North ,,`)
	for _, already := range []bool{false, true} {
		got = run(t, "apply", "-f", path, "-o", "json")
		require.Equal(t, exitDone, got.code, got.errOut+got.out)
		require.Equal(t, already, results(t, got)[2].Already)
	}
	require.True(t, l.holds(ana, "Blank ", "Acme / Paris North "))
	for _, typed := range []string{"Blank", `"Blank "`} {
		require.Equal(t, exitDone, run(t, "access", "--role", typed).code, typed)
	}
}

func dryRun(t *testing.T, l *live) {
	ana := l.person("dry@example.com")
	for command, role := range map[string]string{"grant": "SOC", "revoke": "Viewer"} {
		got := asked(t, command, "dry@example.com", role, "Acme / Only Acme",
			"--dry-run", "--id", "DRY-1", "-o", "json")
		answer := decode[requestAnswer](t, got)
		require.Equal(t, wire.StatePlanned, answer.State)
		require.Len(t, answer.Result.Plan.Before.Held, 1)
		require.Equal(t, command == "revoke", got.code == exitFailed, "it is the last role")
	}
	require.True(t, l.holds(ana, "Viewer", "Acme / Only Acme"))
	require.NotContains(t, run(t, "requests", "--limit", "0", "-o", "json").out, "dry@example.com")
	require.Equal(t, exitFailed, run(t, "show", "DRY-1").code, "the id is free")
}

func unknownRequest(t *testing.T, l *live) {
	for _, args := range [][]string{{"end", "NEVER"}, {"extend", "NEVER", "--for", "1h"}, {"cancel", "grant/NEVER"}} {
		got := run(t, args...)
		require.Equal(t, exitFailed, got.code)
		require.Equal(t, noKey+"error: there is no request \""+args[1]+"\": see `starter requests`\n", got.errOut)
	}
	got := run(t, "show", "NEVER")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "error: there is no request \"NEVER\": see `starter requests`\n", got.errOut)

	// A workflow that somebody has started under the id of a request is none.
	foreign, err := l.client.ExecuteWorkflow(t.Context(),
		client.StartWorkflowOptions{ID: "revoke/FOREIGN", TaskQueue: "elsewhere"}, "Nothing")
	require.NoError(t, err)
	got = run(t, "show", "FOREIGN")
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, `error: there is no request "FOREIGN": in Temporal, revoke/FOREIGN is a workflow of type `+
		"\"Nothing\", which is no request: see what started it with "+
		"`temporal workflow show --workflow-id revoke/FOREIGN`\n",
		got.errOut)
	require.NoError(t, l.client.TerminateWorkflow(t.Context(), foreign.GetID(), "", "it was a test"))
}

func notWaitedFor(t *testing.T, l *live) {
	ana := l.person("nowait@example.com")
	got := asked(t, "grant", "nowait@example.com", "SOC", "Acme / Berlin", "--wait=false", "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.True(t, decode[startedRun](t, got).Started)
	require.Eventually(t, func() bool { return l.holds(ana, "SOC", "Acme / Berlin") }, waitLimit, pollEvery/10)
}

// stopper stops watching as soon as a word is seen.
type stopper struct {
	bytes.Buffer

	word string
	stop func()
}

func (s *stopper) Write(p []byte) (int, error) {
	if strings.Contains(string(p), s.word) {
		s.stop()
	}
	return s.Buffer.Write(p)
}

func interruptedGrant(t *testing.T, l *live) {
	l.person("stopped@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out bytes.Buffer
	errOut := &stopper{word: wire.StateScheduled, stop: cancel}
	code := Main(ctx, []string{
		"grant", "--user", "stopped@example.com", "--role", "SOC", "--scope", "tenant", "--start", "1h", "--wait",
		"--id", "INC-6", "--allow-level-change",
	}, &out, errOut)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errOut.String(),
		"error: stopped waiting; the request continues. Follow it with `starter show INC-6`")
	require.Equal(t, exitDone, run(t, "cancel", "INC-6").code)
}

func oneIDForTwo(t *testing.T, l *live) {
	l.person("two@example.com")
	require.Equal(t, exitDone, asked(t, "grant", "two@example.com", "SOC", "Acme / Berlin", "--id", "TWO").code)
	require.Equal(t, exitDone,
		asked(t, "revoke", "two@example.com", "Admin", "Acme / Berlin", "--id", "TWO", "--wait=false").code)
	got := run(t, "show", "TWO")
	require.Equal(t, exitUsage, got.code)
	require.Equal(t, "error: \"TWO\" is the id of several requests: pass grant/TWO or revoke/TWO\n", got.errOut)
}

func ledgerWhole(t *testing.T, l *live) {
	got := run(t, "ledger", "verify")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^result +intact$`, got.out)
	report := decode[verifyAnswer](t, run(t, "ledger", "verify", "-o", "json"))
	require.True(t, report.OK)
	require.Equal(t, l.host, report.Console)
	exported := run(t, "ledger", "export")
	require.Equal(t, int(report.Entries), strings.Count(exported.out, "\n"))
	first := decode[ledger.Entry](t, exported)
	require.Equal(t, first.Hash, first.Digest(), "the bytes are those that were hashed")
}
