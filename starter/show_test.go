//nolint:paralleltest,thelper // the environment is the process's; subtests have names of their own
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// waitLimit is how long anything may take before a test calls it stuck.
const waitLimit = 4 * time.Minute

// requestsWithoutWorker leaves an open grant behind for what follows.
func requestsWithoutWorker(t *testing.T, l *live) {
	l.person("left@example.com")
	require.Equal(t, exitDone,
		asked(t, "grant", "left@example.com", "SOC", "Acme / Berlin", "--for", "1h", "--id", "LEFT").code)
	l.stop()
	got := run(t, "show", "LEFT")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^state +open$`, got.out)
	require.Contains(t, got.out, "grant: write")
	require.Contains(t, got.errOut, "note: this is from the ledger: no worker answers on task queue")
	require.Contains(t, run(t, "show", "INC-1").out, "granted, applied and verified", "Temporal keeps the result")

	got = run(t, "requests", "--open")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^grant/LEFT .* open$`, got.out)
	require.Contains(t, got.errOut, "note: progress of some open requests unknown: no worker answers")
}

func requestsWithoutTemporal(t *testing.T, l *live) {
	l.temporal.Kill()
	got := run(t, "show", "INC-1")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^receipt +[0-9a-f]{64}, intact$`, got.out)
	require.Contains(t, got.errOut, "note: this is from the ledger: temporal does not answer")
	require.True(t, decode[access.Receipt](t, run(t, "show", "revoke/CHG-1", "-o", "json")).Intact())

	status := decode[wire.RequestStatus](t, run(t, "show", "LEFT", "-o", "json"))
	require.Equal(t, requestrecord.StateOpen, status.State)
	require.Equal(t, "left@example.com", status.Plan.Principal.Email)
	require.Len(t, status.Proofs, 1)

	got = run(t, "show", "NEVER")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut,
		`error: no request "NEVER" was found, but not every source answered: temporal does not answer`)

	got = run(t, "requests", "--open")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^grant/LEFT .* open$`, got.out)
	require.Contains(t, got.errOut, "note: progress of open requests unknown: temporal does not answer")
}

// recordedRequest is a database with the ledger of one request.
func recordedRequest(
	t *testing.T, receipt func(access.Receipt) access.Receipt, scopes ...access.ScopeRef,
) *fixture {
	t.Helper()
	f := newFixture(t)
	t.Setenv("SENTINELONE_BASE_URL", baseURL)
	plan := access.Plan{
		Op: access.OpAcquire, Console: host,
		Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "302", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"}, Scopes: scopes,
		Terms:  access.Terms{Requester: "bob@example.com", Duration: access.Duration(4 * time.Hour)},
		Before: access.Holdings{Level: access.SiteLevel}, After: access.Holdings{Level: access.SiteLevel},
	}.Seal()
	entries := []ledger.NewEntry{{
		Request: "grant/OLD", Key: "grant/OLD#r1/request", At: noon, Body: ledger.Request{Plan: plan},
	}}
	if receipt != nil {
		entries = append(entries, ledger.NewEntry{
			Request: "grant/OLD", Key: "grant/OLD#r1/receipt", At: noon.Add(time.Hour),
			Body: ledger.Receipt{Receipt: receipt(access.Receipt{
				Request: "grant/OLD", Run: "r1", Plan: plan, State: "expired", Outcome: access.Released,
				Signed: access.Unsigned, StartedAt: noon, FinishedAt: noon.Add(time.Hour),
			})},
		})
	}
	_, err := f.db.Append(t.Context(), host, entries...)
	require.NoError(t, err)
	return f
}

func TestShow_ReceiptThatWasChanged(t *testing.T) {
	recordedRequest(t, func(r access.Receipt) access.Receipt {
		r = r.Seal()
		r.State = "granted"
		return r
	})
	got := run(t, "show", "OLD")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.out, ", MODIFIED: the hash does not match\n")
	require.Contains(t, got.errOut, "error: the hash of the receipt of grant/OLD does not match its content")
}

// A request for several scopes shows the outcome of each change at each of them.
func TestShow_SeveralScopes(t *testing.T) {
	recordedRequest(t, func(r access.Receipt) access.Receipt {
		r.Proofs = []access.Proof{
			{Op: access.OpAcquire, Outcome: access.Applied, Scopes: []access.ScopeOutcome{
				{ScopeID: "201", Outcome: access.Applied}, {ScopeID: "202", Outcome: access.AlreadyHeld},
			}},
			{Op: access.OpRelease, Outcome: access.Released, Scopes: []access.ScopeOutcome{
				{ScopeID: "201", Outcome: access.Released}, {ScopeID: "202", Outcome: access.StillHeld},
			}},
		}
		return r.Seal()
	}, access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
		access.ScopeRef{Level: access.SiteLevel, ID: "202", Name: "Acme / Rome"})
	got := run(t, "show", "OLD")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^what +grant .* at site Acme / Berlin \(201\), site Acme / Rome \(202\), for 4h$`, got.out)
	require.Regexp(t, `(?m)^grant +site Acme / Berlin \(201\): applied and verified
 +site Acme / Rome \(202\): no change: the console already showed the role
release +site Acme / Berlin \(201\): role removed and verified \(2 reads\)
 +site Acme / Rome \(202\): role kept: another grant or the baseline holds it$`, got.out)
}

func TestRequests_FromTheLedger(t *testing.T) {
	recordedRequest(t, access.Receipt.Seal)
	got := run(t, "requests", "--since", "2026-03-10")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Equal(t, `
ID         WHAT      PRINCIPAL        ROLE  SCOPE          REQUESTER        REQUESTED             STATE
grant/OLD  grant 4h  ana@example.com  SOC   Acme / Berlin  bob@example.com  2026-03-10 12:00 UTC  expired: released
`, "\n"+got.out)
	for _, args := range [][]string{{"--open"}, {"--since", "2026-03-11"}} {
		got = run(t, append([]string{"requests"}, args...)...)
		require.Equal(t, exitDone, got.code)
		require.Equal(t, "no request of "+host+" matches\n", got.errOut)
	}
	require.Equal(t, "these are the newest 1; --limit 0 shows all\n", run(t, "requests", "--limit", "1").errOut)
}

func TestRequests_OpenWithoutTemporal(t *testing.T) {
	recordedRequest(t, nil)
	answer := decode[requestsAnswer](t, run(t, "requests", "--open", "-o", "json"))
	require.Equal(t, requestrecord.StateOpen, answer.Requests[0].State)
}

func TestLedger_ComparesWithANotedHead(t *testing.T) {
	recordedRequest(t, access.Receipt.Seal)
	got := run(t, "ledger", "verify") // without a seal, and without Temporal, a rewritten one looks the same
	require.Equal(t, exitUsage, got.code, got.errOut)
	require.Contains(t, got.errOut, "store this head outside the database")
	require.Contains(t, got.errOut, "error: not verified: whether the whole ledger was rewritten")
	require.Contains(t, got.errOut, "error: not verified: whether the newest entries were removed")
	require.Regexp(t, `(?m)^result +no fault found, and not all could be verified$`, got.out)
	report := decode[verifyAnswer](t, run(t, "ledger", "verify", "-o", "json"))
	head := report.Head.Hash
	require.Contains(t, got.out, "head     2:"+head+"\n")
	got = run(t, "ledger", "verify", "--head", "2:"+head)
	require.Equal(t, exitDone, got.code, got.errOut)

	got = run(t, "ledger", "verify", "--head", "1:"+head)
	require.Equal(t, exitFailed, got.code)
	require.Regexp(t, `(?m)^result +NOT intact: 1 fault$`, got.out)
	require.Contains(t, got.errOut, "error: entry 1 is not the one noted earlier")
	got = run(t, "ledger", "verify", "--head", "4:"+head, "-o", "json")
	require.Equal(t, exitFailed, got.code)
	require.False(t, decode[verifyAnswer](t, got).OK)
	require.Contains(t, got.errOut, "error: entries 3 to 4 are missing at the end")
}

func TestLedger_Export(t *testing.T) {
	recordedRequest(t, access.Receipt.Seal)
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	got := run(t, "ledger", "export", "--out", path)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Equal(t, "wrote "+path+"\n", got.errOut)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, run(t, "ledger", "export").out, string(text))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, 2)
	for _, line := range lines {
		var e ledger.Entry
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		require.Equal(t, e.Hash, e.Digest())
	}
}
