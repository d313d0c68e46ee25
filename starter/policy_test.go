//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/policy"
)

const somePolicy = `groups:
  soc: [ana@example.com, carol@example.com]
rules:
  - {name: berlin, when: scope.account == "100" && role.predefined, deny: not at Acme}
  - {name: viewers, when: role.name == "Viewer", autoApprove: true}
  - name: default
    approvals: [{need: 1, from: [soc]}]
    maxDuration: 8h
    remindEvery: 4h
    escalateAfter: 24h
    escalateTo: [soc]
    lastRole: {downgrade: {role: 301, level: site, scope: 201}}
separationOfDuties:
  - {roles: [SOC, Admin], at: anywhere, reason: four eyes}
`

func policyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestPolicyCheck(t *testing.T) {
	path := policyFile(t, somePolicy)
	environ(t, nil)
	got := run(t, "policy", "check", path)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.True(t, strings.HasPrefix(got.out, path+": 3 rules, 1 group, sha256 "), got.out)

	got = run(t, "policy", "check")
	require.Equal(t, exitDone, got.code)
	require.Contains(t, got.out, "built-in policy: 1 rule")

	environ(t, map[string]string{"POLICY_FILE": path})
	require.Contains(t, run(t, "policy", "check").out, path)

	bad := policyFile(t, "groups: {soc: []}\nrules:\n  - {name: a, when: rol == 1}\n")
	got = run(t, "policy", "check", bad)
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.out)
	require.Equal(t, []string{
		"error: " + bad + `:1: group "soc" has no members: add at least one person`,
		"error: " + bad + `:3: rule "a" decides nothing: add deny, autoApprove or approvals`,
		"error: " + bad + ":3:21: when: undeclared reference to 'rol' (did you mean 'role'?)",
	}, strings.Split(strings.TrimSpace(got.errOut), "\n"))

	got = run(t, "policy", "check", bad, "-o", "json")
	require.Equal(t, exitFailed, got.code)
	answer := decode[policyCheckAnswer](t, got)
	require.False(t, answer.OK)
	require.Len(t, answer.Faults, 3)
	require.Equal(t, 21, answer.Faults[2].Column)

	got = run(t, "policy", "check", path, "-o", "json")
	require.Equal(t, exitDone, got.code)
	require.Len(t, decode[policyCheckAnswer](t, got).Hash, 64)
	require.Contains(t, got.out, `"faults": []`)

	got = run(t, "policy", "check", path+".none")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "error: cannot read the policy: ")
}

func TestPolicyExplain(t *testing.T) {
	path := policyFile(t, somePolicy)
	environ(t, map[string]string{"POLICY_FILE": path})
	const request = `{"principal": {"kind": "user", "email": "erin@example.com"}, "role": {"id": "302", "name": "SOC"},
		"scope": {"level": "site", "id": "201", "account": "100"}, "requester": "Ana@example.com", "duration": "4h",
		"reason": "INC-42"}`
	got := run(t, "policy", "explain", "--request", request)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.errOut, path+": 3 rules")
	require.Equal(t, `
answer     1 approval from soc, within 72h (rule "default")
step 1     1 approval from soc: carol@example.com
reminded   every 4h
escalated  after 24h to carol@example.com
at most    8h, extensions included
last role  downgrade to role 301 at site 201
because    rule "berlin" (line 4) does not match: scope.account == "100" && role.predefined
because    rule "viewers" (line 5) does not match: role.name == "Viewer"
because    rule "default" (line 6) matches: true
because    ana@example.com is in soc but not eligible as the requester
`, "\n"+got.out)

	file := filepath.Join(t.TempDir(), "request.json")
	long := strings.Replace(request, `"4h"`, `"9h", "breakGlass": true`, 1)
	require.NoError(t, os.WriteFile(file, []byte(long), 0o600))
	got = run(t, "policy", "explain", path, "--request", "@"+file, "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	answer := decode[policyExplainAnswer](t, got)
	require.Equal(t, `rule "default" allows at most 8h, but the request is for 9h; `+
		`rule "default" allows no break-glass: `+
		"request it without break-glass", answer.Refusal)
	require.NotEmpty(t, answer.Explanation)

	held := strings.Replace(request, `"reason"`, `"roleNames": {"301": "Admin"}, "before":
		{"level": "site", "held": [{"roleId": "301", "scopeId": "202"}]}, "reason"`, 1)
	got = run(t, "policy", "explain", "--request", held)
	require.Contains(t, got.out, "four eyes", "what it would hold follows from what it holds")
}

// A request of another kind names what it has, and no more.
func TestPolicyExplain_Kinds(t *testing.T) {
	environ(t, map[string]string{"POLICY_FILE": policyFile(t, `groups: {owners: [carol@example.com, dora@example.com]}
rules:
  - {name: ends, for: [offboard], when: mode == "delete", approvals: [{need: 1, from: [owners]}]}
  - {name: loss, for: [confirm], approvals: [{need: 2, from: [owners]}]}
  - {name: fresh, approvals: [{need: 1, from: [owners]}], maxDuration: 8h, approvalValidFor: 12h}
`)})
	for request, want := range map[string]string{
		`{"op": "offboard", "mode": "delete", "principal": {"kind": "user", "email": "dora@example.com"},
			"requester": "bob@example.com"}`: "1 approval from owners: carol@example.com",
		`{"op": "confirm"}`: `2 approvals from owners (rule "loss")`,
		`{"op": "extend", "duration": "9h", "scope": {"level": "tenant"}, "requester": "bob@example.com"}`: `at most ` +
			`8h`,
		`{"op": "grant", "duration": "8h", "scope": {"level": "tenant"}, "requester": "bob@example.com"}`: "applied  " +
			"  within 12h of the last approval",
	} {
		got := run(t, "policy", "explain", "--request", request)
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Contains(t, got.out, want)
	}
}

// A request as editors save it, and as people type it; what cannot be read says which file it is.
func TestPolicyExplain_StrangeFiles(t *testing.T) {
	environ(t, nil)
	const request = "{\"scope\": {\"level\": \"tenant\"},\n\"requester\": \"bob@example.com\", \"duration\": \"4h\"}"
	for _, same := range []string{
		"\xef\xbb\xbf" + request, strings.ReplaceAll(request, "\n", "\r\n"), "\n " + request + "\n",
	} {
		for _, arg := range []string{same, "@" + tempFile(t, same), " @" + tempFile(t, same)} {
			got := run(t, "policy", "explain", "--request", arg)
			require.Equal(t, exitDone, got.code, got.errOut)
			require.Contains(t, got.out, "1 approval from anyone")
		}
	}
	for other, want := range map[string]string{
		strings.ReplaceAll(request, "bob", "b\xf6b"): "line 2 is not UTF-8: save the file as UTF-8 again",
		"\xff\xfe{\x00}\x00":                         "it is saved as UTF-16: save it as UTF-8",
		"":                                           "empty request in ",
		"scope: tenant":                              "is not a JSON object, which begins with {",
		`{“scope”: {}}`:                              "invalid request in ",
	} {
		path := tempFile(t, other)
		got := run(t, "policy", "explain", "--request", "@"+path)
		require.Equal(t, exitUsage, got.code, got.out)
		require.Contains(t, got.errOut, want)
		require.Contains(t, got.errOut, path)
	}
}

func TestPolicyExplain_AskedWrongly(t *testing.T) {
	environ(t, nil)
	for request, want := range map[string]string{
		"":                             "empty request: write JSON",
		"@" + t.TempDir() + "/none":    "no such file",
		"{":                            "invalid request",
		`{"role": "SOC"}`:              "invalid request",
		`{"rolle": {}}`:                `unknown field "rolle"`,
		`{} {}`:                        "unexpected text after the request",
		`{"requester": "a@b.c"}`:       "scope.level",
		`{"scope":{"level":"tenant"}}`: "the requester is missing",
		`{"op": "offboard"}`:           `mode is "": write delete or baseline`,
		`{"op": "drop"}`:               `op is "drop": a policy decides only about grant, revoke,`,
	} {
		got := run(t, "policy", "explain", "--request", request)
		require.Equal(t, exitUsage, got.code, request)
		require.Contains(t, got.errOut, want)
	}
	require.Equal(t, exitUsage, run(t, "policy", "chek", "x").code)
	got := run(t, "policy")
	require.Equal(t, exitDone, got.code)
	require.Contains(t, got.out, "explain")
}

// asked writes a request, and its receipt unless the state is "", into the ledger.
func (f *fixture) asked(id string, plan access.Plan, state string, decisions ...access.Decision) {
	f.t.Helper()
	entries := []ledger.NewEntry{{Request: id, Key: id + "#run/request", Body: ledger.Request{Plan: plan}}}
	if state != "" {
		entries = append(entries, ledger.NewEntry{
			Request: id, Key: id + "#run/receipt",
			Body: ledger.Receipt{Receipt: access.Receipt{State: state, Plan: plan, Decisions: decisions}},
		})
	}
	_, err := f.db.Append(f.t.Context(), host, entries...)
	require.NoError(f.t, err)
}

func TestPolicyTest(t *testing.T) {
	f := newFixture(t)
	t.Setenv("SENTINELONE_BASE_URL", "https://"+host)
	path := policyFile(t, somePolicy)
	plan := func(role access.RoleRef, duration time.Duration) access.Plan {
		return access.Plan{
			Op: access.OpAcquire, Console: host, Role: role, Approval: access.Approval{},
			Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: "erin@example.com"},
			Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
			Terms:     access.Terms{Requester: "bob@example.com", Duration: access.Duration(duration)},
		}
	}
	soc := access.RoleRef{ID: "302", Name: "SOC"}
	f.asked("grant/1", plan(soc, time.Hour), "expired", access.Decision{By: "Carol@example.com", Action: "approve"})
	f.asked("grant/2", plan(soc, time.Hour), "expired")
	f.asked("grant/3", plan(soc, 9*time.Hour), "")
	f.asked("grant/4", plan(access.RoleRef{ID: "300", Name: "Viewer"}, time.Hour), "granted")
	f.asked("grant/5", plan(soc, time.Hour), "failed")
	f.asked("grant/6", plan(access.RoleRef{ID: "301", Name: "Admin"}, time.Hour), "granted",
		access.Decision{By: "ana@example.com", Action: "approve"})

	// Without a sync it is not known that Admin is predefined, nor whose site 201 is.
	got := run(t, "policy", "test", path)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.errOut, "no verified sync of "+host+"")
	require.Contains(t, got.errOut, "of 6 requests to "+host+" 2 would have ended differently; 1 cannot be compared")

	f.sync(host, "s1", scene())
	got = run(t, "policy", "test", path)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.errOut, "of 6 requests to "+host+" 3 would have ended differently; 1 cannot be compared")
	require.Regexp(t, `(?m)\AREQUEST +REQUESTED +WAS +WOULD BE +WHY$`, got.out)
	require.Regexp(t, `(?m)^grant/6 .* granted +refused +refused: rule "berlin" denies it: not at Acme`, got.out)
	require.Regexp(t, `(?m)^grant/3 .* open +refused +refused: rule "default" allows at most 8h`, got.out)
	require.Regexp(t, `(?m)^grant/2 .* expired +undecided +step 1 has 0 of 1 approvals from soc`, got.out)
	require.Equal(t, 4, strings.Count(got.out, "\n"))

	got = run(t, "policy", "test", path, "--all", "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Empty(t, got.errOut)
	answer := decode[policyTestAnswer](t, got)
	require.Equal(t, 6, answer.Requests)
	require.Equal(t, 3, answer.Differ)
	require.Equal(t, 1, answer.Unclear)
	require.Len(t, answer.Results, 6)
	require.Equal(t, "grant/1", answer.Results[5].Request)
	require.False(t, answer.Results[5].Differs)

	got = run(t, "policy", "test", path, "--since", "2999-01-01", "-o", "json")
	require.Contains(t, got.out, `"results": []`)
	require.Equal(t, exitFailed, run(t, "policy", "test", policyFile(t, "rules: []")).code)

	require.Equal(t, policy.BuiltIn().Hash(), decode[policyTestAnswer](t, run(t, "policy", "test", "-o", "json")).Hash)
}
