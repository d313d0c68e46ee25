//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/wire"
)

const (
	erin = "erin@example.com"
	eve  = "eve@example.com"
)

// askedOfPeople is a plan that two steps of people are asked about.
func askedOfPeople(email string) access.Plan {
	return access.Plan{
		Op: access.OpAcquire, Console: host,
		Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: email},
		Role:      access.RoleRef{ID: "302", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
		Terms:     access.Terms{Requester: "bob@example.com", Duration: access.Duration(4 * time.Hour)},
		Approval: access.Approval{
			Required: true, Policy: "approved by two", Hash: "5d41402a", Rule: "two",
			DecideWithin: access.Duration(time.Hour),
			Steps: []access.ApprovalStep{
				{Need: 2, Groups: []string{"leads"}, People: []string{carol, dave, erin}},
				{Need: 1, Groups: []string{access.Anyone}, People: []string{}},
			},
		},
	}
}

// recordOf is a database with the ledger of one request, a minute between two entries.
func recordOf(t *testing.T, id string, entries ...ledger.NewEntry) *fixture {
	t.Helper()
	f := newFixture(t)
	t.Setenv("SENTINELONE_BASE_URL", baseURL)
	for i, e := range entries {
		e.Request, e.Key, e.At = id, id+"#r1/"+e.Key, noon.Add(time.Duration(i)*time.Minute)
		_, err := f.db.Append(t.Context(), host, e)
		require.NoError(t, err)
	}
	return f
}

func decisionOf(plan access.Plan, n int, d access.Decision, refusal string) ledger.NewEntry {
	d.At, d.PlanHash = noon.Add(time.Duration(n)*time.Minute), plan.Hash
	return ledger.NewEntry{
		Key: "decision/" + string(rune('0'+n)), Body: ledger.Decision{Decision: d, Refusal: refusal},
	}
}

// The ledger alone tells who said what, of which plan, who refused to count it, and who
// was told.
func TestShow_PeopleFromTheLedger(t *testing.T) {
	first := askedOfPeople("ana@example.com")
	first.Notes = []string{"a note on the first plan"}
	first = first.Seal()
	second := askedOfPeople("ana@example.com")
	second.Before = access.Holdings{Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: "9", ScopeID: "201"}}}
	second = second.Seal()
	told := func(key, event, sender string, result ledger.Delivery, err string) ledger.NewEntry {
		return ledger.NewEntry{Key: key, Body: ledger.Notification{
			Event: event, Sender: sender, Result: result, Error: err,
		}}
	}
	recordOf(t, "grant/OLD",
		ledger.NewEntry{Key: "request", Body: ledger.Request{Plan: first}},
		decisionOf(first, 1, access.Decision{By: carol, Action: "approve", Signed: "unsigned"}, ""),
		ledger.NewEntry{Key: "request/1", Body: ledger.Request{Plan: second}},
		decisionOf(second, 3, access.Decision{
			By: dave, Action: "approve", Signed: "SHA256:abc", Duration: access.Duration(2 * time.Hour),
			OnBehalfOf: "faye@example.com", Comment: "on call",
		}, ""),
		decisionOf(second, 4, access.Decision{By: eve, Action: "deny", Signed: "unsigned"}, "eve may not"),
		told("notification/1/webhook", "requested", "webhook", "delivered", ""),
		told("notification/1/slack", "requested", "slack", "dropped", "slack: the receiver answers 410"),
		told("notification/2/e-mail", "reminder", "e-mail", "gaveUp", ""),
		ledger.NewEntry{Key: "delegation/0", Body: ledger.Delegation{Delegation: access.Delegation{
			By: "faye@example.com", To: dave, Until: noon.Add(48 * time.Hour),
		}}},
	)
	got := run(t, "show", "OLD")
	require.Equal(t, exitDone, got.code, got.errOut)
	for _, want := range []string{
		`(?m)^policy +rule "two" of the file with SHA-256 5d41402a$`,
		`(?m)^step 1 +2 approvals from leads: carol@example.com, dave@example.com, erin@example.com\n` +
			` +dave@example.com on 2026-03-10 12:03:00 UTC: approve, signed by SHA256:abc, ` +
			`on behalf of faye@example.com, for 2h: on call\n` +
			` +pending for carol@example.com, erin@example.com; 1 of 2 approvals, ` +
			`until about 2026-03-10 13:02:00 UTC\n` +
			`step 2 +1 approval from anyone but bob@example.com and ana@example.com$`,
		`(?m)^narrowed +for 2h, by dave@example.com$`,
		`(?m)^earlier +1 decision on an earlier plan, which no longer count$`,
		`(?m)12:01:00 UTC +no longer counts +carol@example.com: approve, unsigned – on an earlier plan$`,
		`(?m)12:04:00 UTC +does not count +eve@example.com: deny, unsigned – eve may not$`,
		`(?m)12:05:00 UTC +notification +requested to webhook: delivered$`,
		`(?m)12:06:00 UTC +notification +requested to slack: dropped, slack: the receiver answers 410$`,
		`(?m)12:07:00 UTC +notification +reminder to e-mail: given up, the receiver was down for too long$`,
		`(?m)12:08:00 UTC +delegation +faye@example.com to dave@example.com until 2026-03-12 12:00:00 UTC$`,
	} {
		require.Regexp(t, want, got.out)
	}
	require.NotContains(t, got.out, "a note on the first plan")
}

// What started at once shows who is to look at it.
func TestShow_ReviewFromTheLedger(t *testing.T) {
	plan := askedOfPeople("ana@example.com")
	plan.Approval.Required, plan.Approval.Steps = false, nil
	plan.Approval.Review = &access.Review{
		ApprovalStep: access.ApprovalStep{Need: 1, Groups: []string{"leads"}, People: []string{carol}},
		Within:       access.Duration(4 * time.Hour),
	}
	recordOf(t, "grant/GLASS", ledger.NewEntry{Key: "request", Body: ledger.Request{Plan: plan.Seal()}})
	require.Regexp(t, `(?m)^review +1 approval from leads: carol@example.com\n +pending for carol@example.com; `+
		`0 of 1 approvals, until about 2026-03-10 16:00:00 UTC$`, run(t, "show", "GLASS").out)
}

// A request that waits for its plan says why, though nobody else knows of it.
func TestRequests_OfWhatWaitsForItsPlan(t *testing.T) {
	f := recordedRequest(t, nil)
	next := noon.Add(time.Minute)
	for _, id := range []string{"grant/DOWN", "grant/OLD"} {
		step := "plan"
		if id == "grant/OLD" {
			step = "acquire"
		}
		require.NoError(t, f.db.NoteWait(t.Context(), store.Wait{
			Console: host, Request: id, Step: step, Attempt: 7, Since: noon, At: noon, NextTry: &next,
			Text: "GET /users: 502", Temporary: true,
		}))
	}
	const why = "waiting for SentinelOne since 2026-03-10 12:00:00 UTC, attempt 7, next at 2026-03-10 12:01:00 UTC, " +
		"last error: GET /users: 502"
	rows := decode[requestsAnswer](t, run(t, "requests", "-o", "json")).Requests
	require.Len(t, rows, 2)
	require.Equal(t, "grant/DOWN", rows[0].ID)
	for _, r := range rows {
		require.Equal(t, why, r.Waiting)
		require.Equal(t, requestrecord.StateOpen, r.State)
	}
	require.Regexp(t, `(?m)^grant/DOWN .* open: `+why+`$`, run(t, "requests", "--open").out)
	require.Empty(t, decode[requestsAnswer](t, run(t, "requests", "--since", "2026-03-11", "-o", "json")).Requests)
	for _, id := range []string{"DOWN", "OLD"} {
		require.Regexp(t, `(?m)^waiting +`+why+`$`, run(t, "show", id).out)
	}
	status := decode[wire.RequestStatus](t, run(t, "show", "DOWN", "-o", "json"))
	require.Equal(t, why, status.Waiting)
}

func TestApprove_AskedWrongly(t *testing.T) {
	environ(t, map[string]string{"USER": carol})
	for want, args := range map[string][]string{
		"write `starter approve ID…`":           {"approve"},
		"--for: invalid duration \"soon\"":      {"approve", "X", "--for", "soon", "--yes"},
		"--start: 2020-01-01 00:00:00 UTC":      {"approve", "X", "--start", "2020-01-01", "--yes"},
		"unknown flag: --start":                 {"deny", "X", "--start", "1h", "--yes"},
		"--by ana@example.com":                  {"deny", "X", "--by", " ", "--yes"},
		"pass --yes, or read the request first": {"deny", "X", "-o", "json"},
		"--open and --waiting-for exclude":      {"requests", "--waiting-for", "me", "--open"},
	} {
		got := run(t, args...)
		require.Equal(t, exitUsage, got.code, "%v: %s", args, got.errOut)
		require.Contains(t, got.errOut, want)
	}
	t.Setenv("USER", "")
	require.Contains(t, run(t, "requests", "--waiting-for", "me").errOut, "--waiting-for carol@example.com")
}
