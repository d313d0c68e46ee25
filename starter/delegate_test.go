//nolint:paralleltest,thelper // the environment is the process's; subtests have names of their own
package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/store"
)

// A delegation is listed until it is revoked.
func delegatedDecisions(t *testing.T, _ *live) {
	to := []string{"delegate", "--to", "dave@example.com", "--by", carol}
	got := run(t, append(to, "--stop")...)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "no delegation to end: carol@example.com has not delegated to dave")

	got = run(t, append(to, "--for", "7d", "--comment", "on leave")...)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `^dave@example.com decides for carol@example.com until .* UTC \(unsigned\)\n$`, got.out)
	listed := run(t, "delegate", "list")
	require.Regexp(t, `(?m)^carol@example.com +dave@example.com +.* UTC +.* UTC +unsigned +on leave$`, listed.out)
	rows := decode[delegationsAnswer](t,
		run(t, "delegate", "list", "--to", "DAVE@example.com", "--by", carol, "-o", "json"))
	require.Len(t, rows.Delegations, 1)
	require.Equal(t, 7*24*time.Hour, rows.Delegations[0].Until.Sub(rows.Delegations[0].At))
	listed = run(t, "delegate", "list", "--by", "dave@example.com")
	require.Contains(t, listed.errOut, "no active delegation")

	answer := decode[delegateAnswer](t, run(t, append(to, "--stop", "-o", "json")...))
	require.Regexp(t, `^delegate/[a-z0-9]{8}$`, answer.WorkflowID)
	require.True(t, answer.Delegation.TakesBack())
	require.Empty(t, decode[delegationsAnswer](t, run(t, "delegate", "list", "-o", "json")).Delegations)
}

func TestDelegate_AskedWrongly(t *testing.T) {
	environ(t, map[string]string{"SENTINELONE_BASE_URL": baseURL, "USER": carol})
	for want, args := range map[string][]string{
		"missing --for, --until or --stop":    {"--to", "dave@example.com"},
		"--for and --stop exclude each other": {"--to", "dave@example.com", "--for", "1d", "--stop"},
		`"to" is missing`:                     {"--for", "1d"},
		"cannot delegate to the same person":  {"--to", "Carol@example.com", "--for", "1d"},
		"the longest is 366 days":             {"--to", "dave@example.com", "--for", "367d"},
		"invalid duration":                    {"--to", "dave@example.com", "--for", "soon"},
		"to revoke a delegation, pass":        {"--to", "dave@example.com", "--until", "2020-01-01"},
		"console unknown":                     {"--to", "dave@example.com", "--for", "1d", "--console", ""},
	} {
		if want == "console unknown" {
			t.Setenv("SENTINELONE_BASE_URL", "")
		} else {
			t.Setenv("SENTINELONE_BASE_URL", baseURL)
		}
		got := run(t, append([]string{"delegate"}, args...)...)
		require.Equal(t, exitUsage, got.code, "%s: %s", want, got.errOut)
		require.Contains(t, got.errOut, want)
	}
}

func TestDelegateList_WithoutTemporal(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	now := time.Now().UTC()
	for i, d := range []access.Delegation{
		{By: carol, To: "dave@example.com", At: now.Add(-time.Hour), Until: now.Add(time.Hour), Signed: "SHA256:x"},
		{By: carol, To: "erin@example.com", At: now.Add(-time.Hour), Until: now.Add(-time.Minute)},
	} {
		d.Console = host
		of := ledger.Run{Request: fmt.Sprintf("delegate/%d", i), ID: "run"}
		kept, err := f.db.Append(t.Context(), host, ledger.NewEntry{
			Request: of.Request, Key: of.DelegationKey(), Body: ledger.Delegation{Delegation: d},
		})
		require.NoError(t, err)
		require.NoError(t, f.db.KeepDelegation(t.Context(), kept[0].Seq, d))
	}
	got := run(t, "delegate", "list")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.out, "SHA256:x")
	require.NotContains(t, got.out, "erin@example.com", "it is over")
	held, err := f.db.Delegations(t.Context(), store.DelegationsQuery{Console: host, At: now})
	require.NoError(t, err)
	require.Len(t, held, 1)
}
