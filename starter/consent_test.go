//nolint:thelper // subtests have names of their own
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/policy"
	"sentinelone-provisioner/internal/requestclient"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/temporalclient"
	"sentinelone-provisioner/internal/wire"
)

const dave = "dave@example.com"

const consentPolicy = `
groups:
  leads: [carol@example.com, bob@example.com, dave@example.com]
  owners: [erin@example.com]
rules:
  - name: two
    when: role.name == "Admin"
    permanent: true
    decideWithin: 2h
    approvals: [{need: 2, from: [leads]}, {need: 1, from: [owners]}]
  - name: free
    when: role.name == "Viewer"
    permanent: true
    autoApprove: true
  - name: one
    permanent: true
    decideWithin: 1h
    approvals: [{need: 1, from: [leads]}]
`

// What people do with requests that wait for them, against a console and a worker that
// follows a policy. Bob asks; Carol, Dave and Erin decide.
func TestConsent(t *testing.T) {
	l := newLive(t, func(l *live) {
		var err error
		l.policy, err = policy.Parse("policy.yaml", []byte(consentPolicy))
		require.NoError(t, err)
	})
	l.sync("s1")
	require.True(t, t.Run("beside", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *live){
			"approved": consentApproved, "denied": consentDenied, "in steps": consentInSteps,
			"asked one by one": consentAsked, "narrowed": consentNarrowed, "late": consentTooLate,
			"not decided on": consentUndecidable, "another plan": consentOnAnotherPlan,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, l)
			})
		}
	}))
	require.True(t, t.Run("waiting for me", func(t *testing.T) { consentWaitingForMe(t, l) }))
	require.True(t, t.Run("handed over", func(t *testing.T) { consentHandedOver(t, l) }))
	require.True(t, t.Run("console gone", func(t *testing.T) { consentWithoutConsole(t, l) }))
	require.True(t, t.Run("worker gone", func(t *testing.T) { consentWithoutWorker(t, l) }))
	require.True(t, t.Run("Temporal gone", func(t *testing.T) { consentWithoutTemporal(t, l) }))
}

// waiting asks for a role and waits until the request asks people.
func (l *live) waiting(t *testing.T, email, role, id string, more ...string) access.Principal {
	t.Helper()
	p := l.person(email)
	got := asked(t, "grant", email, role, "Acme / Berlin",
		append([]string{"--id", id, "--wait=false", "--reason", "on call"}, more...)...)
	require.Equal(t, exitDone, got.code, got.errOut)
	answers(t, `"state": "awaitingApproval"`, "show", id, "-o", "json")
	return p
}

// answerLines are the JSON objects of a run, one a line.
func answerLines(t *testing.T, r ran) []decisionAnswer {
	t.Helper()
	var out []decisionAnswer
	for scan := bufio.NewScanner(strings.NewReader(r.out)); scan.Scan(); {
		var a decisionAnswer
		require.NoError(t, json.Unmarshal(scan.Bytes(), &a), r.out)
		out = append(out, a)
	}
	return out
}

func consentApproved(t *testing.T, l *live) {
	ana := l.waiting(t, "yes@example.com", "SOC", "YES-1")
	shown := answers(t, `(?m)pending for`, "show", "YES-1")
	for _, want := range []string{
		`(?m)^waiting +for 1 of 1 from leads until `, `(?m)^policy +rule "one" of the file with SHA-256 [0-9a-f]{64}$`,
		`(?m)^step 1 +1 approval from leads: carol@example.com, dave@example.com$`,
		`(?m)^ +pending for carol@example.com, dave@example.com; 0 of 1 approvals, until .* UTC$`,
	} {
		require.Regexp(t, want, shown.out)
	}
	unasked := run(t, "approve", "YES-1", "--by", carol)
	require.Equal(t, exitUsage, unasked.code)
	require.Contains(t, unasked.errOut, "pass --yes, or read the request first with `starter show YES-1`")

	own := run(t, "approve", "YES-1", "--yes")
	require.Equal(t, exitFailed, own.code)
	require.Regexp(t, `(?m)^your decision +does not count: bob@example.com is the requester: `, own.errOut)
	require.Contains(t, own.errOut,
		"error: YES-1: bob@example.com is the requester: requesters do not decide on their own requests")

	got := run(t, "approve", "YES-1", "NEVER", "--by", carol, "--comment", "fine", "--yes")
	require.Equal(t, exitFailed, got.code, "one of them is not there")
	require.Equal(t, "grant/YES-1: approve by carol@example.com (unsigned)\n", got.out)
	for _, want := range []string{
		`(?m)^request +grant/YES-1$`, `(?m)^requested +by bob@example.com on `, `(?m)^reason +on call$`,
		`(?m)^what +grant user yes@example.com \(\d+\) role SOC `,
		`(?m)^before +Viewer \(\d+\) at site Acme / Only Acme`, `(?m)^after +SOC \(\d+\) at site Acme / Berlin`,
		`(?m)^your decision +counts toward step 1 of 1 \(needs 1 more approval, from leads, until `,
		`(?m)^error: NEVER: there is no request "NEVER"`,
	} {
		require.Regexp(t, want, got.errOut)
	}
	require.Eventually(t, func() bool { return l.holds(ana, "SOC", "Acme / Berlin") }, waitLimit, pollEvery/10)
	shown = answers(t, `(?m)^state +granted`, "show", "YES-1")
	for _, want := range []string{
		`(?m)^ +carol@example.com on .* UTC: approve, unsigned: fine$`,
		`(?m) decision +carol@example.com: approve, unsigned: fine$`,
		`(?m) does not count +bob@example.com: approve, unsigned – bob@example.com is the requester`,
	} {
		require.Regexp(t, want, shown.out)
	}
	require.NotContains(t, shown.out, "pending for")
}

func consentDenied(t *testing.T, l *live) {
	ana := l.waiting(t, "no@example.com", "SOC", "NO-1")
	l.waiting(t, "no.too@example.com", "SOC", "NO-2")
	got := run(t, "deny", "NO-1", "NEVER", "NO-2", "--by", dave, "--comment", "not this week", "--yes", "-o", "json")
	require.Equal(t, exitFailed, got.code)
	said := answerLines(t, got)
	require.Len(t, said, 3, "one object for each")
	require.Equal(t, "grant/NO-1", said[0].WorkflowID)
	require.Equal(t, wire.DenyUpdate, said[0].Decision.Action)
	require.Equal(t, "not this week", said[0].Decision.Comment)
	require.Empty(t, said[0].Error)
	require.Nil(t, said[1].Decision)
	require.Equal(t, "NEVER", said[1].WorkflowID)
	require.Contains(t, said[1].Error, `there is no request "NEVER"`)
	require.Equal(t, "grant/NO-2", said[2].WorkflowID)
	require.NotContains(t, got.errOut, "your decision", "programs get no table")
	shown := answers(t, `(?m)^state +denied$`, "show", "NO-1")
	require.Regexp(t, `(?m)^ +dave@example.com on .*: deny, unsigned: not this week$`, shown.out)
	require.False(t, l.holds(ana, "SOC", "Acme / Berlin"))
}

func consentInSteps(t *testing.T, l *live) {
	ana := l.waiting(t, "steps@example.com", "Admin", "STEPS")
	early := run(t, "approve", "STEPS", "--by", erin, "--yes")
	require.Equal(t, exitFailed, early.code)
	require.Regexp(t, `(?m)^your decision +may not count: erin@example.com is not eligible to decide: `, early.errOut)
	require.Contains(t, early.errOut, "erin@example.com is not eligible to decide: it is pending for 2 of 2 from leads")
	require.Equal(t, exitDone, run(t, "approve", "STEPS", "--by", carol, "--yes").code)
	again := run(t, "approve", "STEPS", "--by", "CAROL@example.com", "--yes")
	require.Equal(t, exitFailed, again.code)
	require.Regexp(t, `(?m)^decided +carol@example.com on .*: approve, unsigned$`, again.errOut)
	shown := answers(t, `1 of 2 approvals`, "show", "STEPS")
	require.Regexp(t, `(?m)^step 1 +2 approvals from leads: carol@example.com, dave@example.com\n`+
		` +carol@example.com on .* approve, unsigned\n +pending for dave@example.com; 1 of 2 approvals, until .*\n`+
		`step 2 +1 approval from owners: erin@example.com$`, shown.out)
	require.Equal(t, exitDone, run(t, "approve", "STEPS", "--by", dave, "--yes").code)
	answers(t, `(?m)^step 2 .*\n +pending for erin@example.com; 0 of 1 approvals`, "show", "STEPS")
	require.Equal(t, exitDone, run(t, "approve", "STEPS", "--by", erin, "--yes").code)
	require.Eventually(t, func() bool { return l.holds(ana, "Admin", "Acme / Berlin") }, waitLimit, pollEvery/10)
}

// consentAsked answers as a person does at a terminal: each request has a yes of its own.
func consentAsked(t *testing.T, l *live) {
	l.waiting(t, "one@example.com", "SOC", "ASK-1")
	l.waiting(t, "other@example.com", "SOC", "ASK-2")
	cfg, err := config.LoadUnchecked()
	require.NoError(t, err)
	var out, errOut strings.Builder
	p := &app{
		out: &out, err: &errOut, now: time.Now, cfg: cfg, in: strings.NewReader("no\nyes\n"),
	}
	e, err := p.connect(t.Context())
	require.NoError(t, err)
	defer e.Close()
	err = pendingDecision{
		app: p, client: p.requestClient(e), signer: requestclient.Unsigned(p.now),
		action: wire.ApproveUpdate, in: wire.DecisionInput{By: carol},
		agree: func() error { return p.confirm(questions[wire.ApproveUpdate]) },
	}.all(t.Context(), []string{"ASK-1", "ASK-2"})
	require.EqualError(t, err, "ASK-1: confirmation not given: nothing was changed")
	require.Equal(t, "grant/ASK-2: approve by carol@example.com (unsigned)\n", out.String())
	require.Equal(t, 2, strings.Count(errOut.String(), "Consent to it? Type yes: "))
	plan := strings.Index(errOut.String(), "grant/ASK-1")
	require.Less(t, plan, strings.Index(errOut.String(), "Type yes"), "the plan comes before the question")
	answers(t, `"state": "granted"`, "show", "ASK-2", "-o", "json")
	answers(t, `(?m)^state +awaitingApproval$`, "show", "ASK-1")
	require.Equal(t, exitDone, run(t, "deny", "ASK-1", "--by", carol, "--yes").code)
}

func consentNarrowed(t *testing.T, l *live) {
	l.waiting(t, "less@example.com", "SOC", "LESS", "--for", "4h")
	more := run(t, "approve", "LESS", "--by", carol, "--for", "1d", "--yes")
	require.Equal(t, exitFailed, more.code)
	require.Contains(t, more.errOut, "an approver may shorten it, not extend it: 4h was requested")
	got := run(t, "approve", "LESS", "--by", carol, "--for", "2h", "--start", "1h", "--yes", "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	said := answerLines(t, got)[0].Decision
	require.Equal(t, access.Duration(2*time.Hour), said.Duration)
	require.WithinDuration(t, time.Now().Add(time.Hour), said.StartAt, time.Minute)
	shown := answers(t, `(?m)^state +scheduled, starts `, "show", "LESS")
	require.Regexp(t, `(?m)^narrowed +for 2h from .* UTC on, by carol@example.com$`, shown.out)
	require.Equal(t, exitDone, run(t, "cancel", "LESS").code)
}

// Who comes too late is told who decided, when, and how it stands.
func consentTooLate(t *testing.T, l *live) {
	l.waiting(t, "late@example.com", "SOC", "LATE-1")
	l.waiting(t, "later.still@example.com", "SOC", "LATE-2", "--start", "2h")
	l.waiting(t, "latest@example.com", "SOC", "LATE-3")
	require.Equal(t, exitDone, run(t, "approve", "LATE-1", "--by", carol, "--yes").code)
	require.Equal(t, exitDone, run(t, "approve", "LATE-2", "--by", carol, "--yes").code)
	require.Equal(t, exitDone, run(t, "deny", "LATE-3", "--by", carol, "--comment", "no", "--yes").code)
	l.person("free@example.com")
	require.Equal(t, exitDone, asked(t, "grant", "free@example.com", "Viewer", "Acme / Berlin", "--id", "LATE-4").code)
	for _, id := range []string{"LATE-1", "LATE-3"} {
		answers(t, `"hash"`, "show", id, "-o", "json")
		answers(t, `"finishedAt"`, "show", id, "-o", "json")
	}
	for id, want := range map[string]string{
		"LATE-1": `it is too late: it was approved last by carol@example.com at .* UTC, and is granted`,
		"LATE-2": `it is decided already: approved, last by carol@example.com at `,
		"LATE-3": `it is too late: it was denied by carol@example.com at .* UTC \(no\), and is denied`,
		"LATE-4": `it is too late: it needed no approval, and is granted`,
	} {
		got := run(t, "approve", id, "--by", dave, "--yes")
		require.Equal(t, exitFailed, got.code, id)
		require.Regexp(t, `(?m)^error: `+id+`: `+want, got.errOut)
	}
	require.Equal(t, exitDone, run(t, "cancel", "LATE-2").code)
	cancelled := run(t, "deny", "LATE-2", "--by", dave, "--yes")
	require.Regexp(t, `it was approved last by carol@example.com at .*, and is cancelled: cancelled by bob@`,
		cancelled.errOut)
}

// What never had a plan is known all the same.
func consentUndecidable(t *testing.T, _ *live) {
	got := run(t, "grant", "--user", "nobody@example.com", "--role", "SOC", "--scope", "tenant", "--id", "BAD-1")
	require.Equal(t, exitFailed, got.code)
	late := run(t, "approve", "BAD-1", "--by", carol, "--yes")
	require.Equal(t, exitFailed, late.code)
	require.Contains(t, late.errOut, `it needed no approval, and is failed: no user "nobody@example.com" is on the`)
	listed := run(t, "requests", "--limit", "0")
	require.Regexp(t, `(?m)^grant/BAD-1 .* bob@example.com .* failed: no user "nobody@example.com" is on the console`,
		listed.out)
	dry := asked(t, "grant", "nobody@example.com", "SOC", "Acme / Berlin", "--dry-run")
	require.Equal(t, exitFailed, dry.code)
	require.NotContains(t, run(t, "requests", "--limit", "0").out, requestrecord.DryRunMark)
	require.NotContains(t, dry.errOut, "full record")
}

// Who saw another plan than the one that waits has not decided on that.
func consentOnAnotherPlan(t *testing.T, l *live) {
	ana := l.waiting(t, "moved@example.com", "Admin", "MOVED")
	require.Equal(t, exitDone, run(t, "approve", "MOVED", "--by", carol, "--yes").code)
	before := decode[wire.RequestStatus](t, run(t, "show", "MOVED", "-o", "json"))
	require.NoError(t, l.console.SetUserRoles(ana.ID, access.SiteLevel,
		append(l.viewer("Acme / Only Acme"), l.viewer("Acme / Berlin")...))) // which the grant would replace
	require.Equal(t, exitDone, run(t, "approve", "MOVED", "--by", dave, "--yes").code)
	require.Equal(t, exitDone, run(t, "approve", "MOVED", "--by", erin, "--yes").code)
	shown := answers(t, `(?m)^earlier +3 decisions on an earlier plan, which no longer count$`, "show", "MOVED")
	require.Regexp(t, `(?m) no longer counts +carol@example.com: approve, unsigned – on an earlier plan$`, shown.out)
	answers(t, `pending for carol@example.com, dave@example.com; 0 of 2 approvals`, "show", "MOVED")

	_, err := l.decide(t, "grant/MOVED", wire.DecisionInput{By: carol, PlanHash: before.Plan.Hash})
	require.ErrorContains(t, err, "the plan has changed since it was shown")
	require.Equal(t, exitDone, run(t, "deny", "MOVED", "--by", carol, "--yes").code)
	answers(t, `"finishedAt"`, "show", "MOVED", "-o", "json")
	rows := decode[requestsAnswer](t, run(t, "requests", "--limit", "0", "-o", "json")).Requests
	ids := fmt.Sprint(rowIDs(rows))
	require.Equal(t, 1, strings.Count(ids, "grant/MOVED "), "planned twice, it is one request: %s", ids)
	require.Contains(t, ids, "grant/MOVED denied")
}

func (l *live) decide(t *testing.T, id string, in wire.DecisionInput) (*access.Decision, error) {
	t.Helper()
	c := requestclient.Client{Temporal: &temporalclient.Connection{Client: l.client}}
	return c.SendDecision(t.Context(), wire.ApproveUpdate, startedRun{WorkflowID: id}, in)
}

func consentWaitingForMe(t *testing.T, l *live) {
	require.Equal(t, exitDone, run(t, "requests", "--waiting-for", carol).code)
	l.waiting(t, "inbox1@example.com", "Admin", "BOX-1")
	l.waiting(t, "inbox2@example.com", "SOC", "BOX-2")
	l.person("inbox3@example.com")
	require.Equal(t, exitDone, asked(t, "grant", "inbox3@example.com", "SOC", "Acme / Berlin",
		"--requester", carol, "--id", "BOX-3", "--wait=false").code)
	ids := func(who string) (out []string) {
		t.Setenv("USER", who)
		for _, r := range decode[waitingAnswer](t, run(t, "requests", "--waiting-for", "me", "-o", "json")).Requests {
			out = append(out, r.ID)
		}
		return out
	}
	is := func(who string, want ...string) {
		t.Helper()
		require.Eventually(t, func() bool { return fmt.Sprint(ids(who)) == fmt.Sprint(want) }, waitLimit, pollEvery,
			"%s: %v", who, want)
	}
	is(dave, "grant/BOX-2", "grant/BOX-3", "grant/BOX-1") // by the time that is left
	is(carol, "grant/BOX-2", "grant/BOX-1")               // not her own
	is("bob@example.com", "grant/BOX-3")
	is(erin) // not before the first step is through
	is("stranger@example.com")
	require.Equal(t, exitDone, run(t, "approve", "BOX-1", "BOX-2", "--by", carol, "--yes").code)
	is(carol)
	is(dave, "grant/BOX-3", "grant/BOX-1")
	require.Equal(t, exitDone, run(t, "approve", "BOX-1", "--by", dave, "--yes").code)
	is(erin, "grant/BOX-1")

	got := run(t, "requests", "--waiting-for", " Erin@example.com")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^ID +WHAT +PRINCIPAL +ROLE +SCOPE +REQUESTER +REQUESTED +HAS +UNTIL$`, got.out)
	require.Regexp(t, `(?m)^grant/BOX-1 .* Admin +Acme / Berlin +bob@example.com .* 0 of 1 from owners .* UTC$`,
		got.out)

	t.Setenv("USER", "carol")
	nobody := run(t, "requests", "--waiting-for", "me")
	require.Equal(t, exitDone, nobody.code)
	require.Contains(t, nobody.errOut, "no request is pending for carol\n")
	require.Contains(t, nobody.errOut, "policies list people by e-mail address")
	require.Equal(t, exitUsage, run(t, "requests", "--waiting-for", "me", "--open").code)
	other := run(t, "requests", "--waiting-for", dave, "--console", "other.example.net")
	require.Contains(t, other.errOut, "no request is pending for dave@example.com\n")

	offered := run(t, "__complete", "approve", "--by", erin, "")
	require.Regexp(t, `(?m)^BOX-1\tgrant user inbox1@example.com `, offered.out)
	require.NotContains(t, offered.out, "BOX-3", "it does not wait for her")
	offered = run(t, "__complete", "deny", "--by", dave, "BOX-3", "grant/B")
	require.NotContains(t, offered.out, "BOX", "the one is given, the other has her step left")
	offered = run(t, "__complete", "deny", "--by", "carol", "BOX-1", "grant/B")
	require.Regexp(t, `(?m)^grant/BOX-3\t`, offered.out, "as it is being typed")
}

// consentWithoutConsole asks for a role that cannot even be planned.
func consentWithoutConsole(t *testing.T, l *live) {
	const why = `waiting for SentinelOne since .*, attempt \d+, next at .*, last error: .*502`
	t.Setenv("USER", "bob@example.com")
	l.person("down@example.com")
	fault := l.console.AddFault(consoletest.Fault{Name: consoletest.BadGateway, Path: "/users"})
	require.Equal(t, exitDone, asked(t, "grant", "down@example.com", "SOC", "Acme / Berlin",
		"--id", "DOWN", "--wait=false").code)
	answers(t, `(?m)^waiting +`+why, "show", "DOWN")
	answers(t, `(?m)^grant/DOWN .* bob@example.com .* planning: `+why, "requests", "--open")
	early := run(t, "approve", "DOWN", "--by", carol, "--yes", "--plan-timeout", "1s")
	require.Equal(t, exitFailed, early.code)
	require.Contains(t, early.errOut, "grant/DOWN is being planned: waiting for the plan, 1s at most\n")
	require.Regexp(t, `error: DOWN: the request has no plan to decide on yet: its state is planning`, early.errOut)
	require.Contains(t, early.errOut,
		"after 1s of waiting; run the command again when `starter show DOWN` shows a plan\n")
	early = run(t, "deny", "DOWN", "--by", carol, "--yes", "--plan-timeout", "0")
	require.Equal(t, exitFailed, early.code)
	require.NotContains(t, early.errOut, "waiting for the plan")

	// A decision that comes before the plan waits for it.
	var out bytes.Buffer
	errOut := &stopper{word: "waiting for the plan", stop: func() { l.console.RemoveFault(fault) }}
	code := Main(t.Context(), []string{"deny", "DOWN", "--by", carol, "--yes", "--plan-timeout", "2m"}, &out, errOut)
	require.Equal(t, exitDone, code, errOut.String())
	require.Contains(t, out.String(), "grant/DOWN: deny by carol@example.com")
}

func consentWithoutWorker(t *testing.T, l *live) {
	l.stop()
	t.Setenv("USER", "bob@example.com")
	got := run(t, "requests", "--waiting-for", erin)
	require.Equal(t, exitFailed, got.code)
	require.Regexp(t, `^error: cannot read every open request: grant/[A-Z0-9-]+: no worker answers on task queue`,
		got.errOut, "the answer is not an empty list")
	shown := run(t, "show", "BOX-1")
	require.Equal(t, exitDone, shown.code, shown.errOut)
	require.Regexp(t, `(?m)^step 2 +1 approval from owners: erin@example.com\n`+
		` +pending for erin@example.com; 0 of 1 approvals, until \d{4}-.* UTC$`, shown.out)
	late := run(t, "show", "NO-1")
	require.Regexp(t, `(?m)^ +dave@example.com on .*: deny, unsigned: not this week$`, late.out)
}

func consentWithoutTemporal(t *testing.T, l *live) {
	l.temporal.Kill()
	got := run(t, "requests", "--waiting-for", carol)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut,
		"error: cannot list pending approvals without Temporal: temporal does not answer at ")
	require.Contains(t, got.errOut, "`starter requests --open` lists what the ledger has")
	require.Regexp(t, `(?m)^ +pending for erin@example.com; 0 of 1 approvals, until \d{4}-`,
		run(t, "show", "BOX-1").out)
	offered := run(t, "__complete", "approve", "")
	require.Equal(t, exitDone, offered.code)
	require.True(t, strings.HasPrefix(offered.out, ":4\n"), "nothing is offered, and nothing said: %s", offered.out)
}
