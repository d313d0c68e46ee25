//nolint:paralleltest,thelper // the environment is the process's; subtests have names of their own
package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/wire"
)

// A freeze holds grants up, each of which says why, and is shown wherever people look. After
// it, they go on.
func frozenGiving(t *testing.T, l *live) {
	ana := l.person("frozen@example.com")
	got := run(t, "unfreeze", "--by", carol)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "giving access is not frozen: there is nothing to unfreeze")

	got = run(t, "freeze", "--reason", "INC-7", "--by", carol)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Equal(t, "giving access on "+l.host+" is frozen (unsigned): `starter unfreeze` ends it\n", got.out)
	const since = `giving access is frozen since \S+Z by carol@example.com`
	require.Regexp(t, `✓  giving access +`+since+` \(INC-7\): `, run(t, "check").out)

	got = asked(t, "grant", "frozen@example.com", "SOC", "Acme / Berlin", "--id", "INC-F", "--wait=false")
	require.Equal(t, exitDone, got.code, got.errOut)
	answers(t, since+": it goes on after", "show", "INC-F")
	require.False(t, l.holds(ana, "SOC", "Acme / Berlin"))
	require.Regexp(t, "note: "+since, run(t, "requests").errOut)
	require.Equal(t, carol, decode[requestsAnswer](t, run(t, "requests", "-o", "json")).Frozen.By)

	answer := decode[freezeAnswer](t, run(t, "unfreeze", "--by", "dave@example.com", "-o", "json"))
	require.Equal(t, wire.StateUnfrozen, answer.State)
	require.Regexp(t, `^freeze/[a-z0-9]{8}$`, answer.WorkflowID)
	require.False(t, decode[freezeStatusAnswer](t, run(t, "freeze", "status", "-o", "json")).Frozen)
	answers(t, `state +granted`, "show", "INC-F")
	require.True(t, l.holds(ana, "SOC", "Acme / Berlin"))
}

func TestFreeze_AskedWrongly(t *testing.T) {
	environ(t, map[string]string{"SENTINELONE_BASE_URL": baseURL, "USER": carol})
	for want, args := range map[string][]string{
		"missing --reason":      {"freeze"},
		`"reason" is missing`:   {"freeze", "--reason", " "},
		"actor unknown":         {"unfreeze", "--by", ""},
		"unexpected argument":   {"unfreeze", "now"},
		"control character":     {"unfreeze", "--by", "carol\u202e@example.com"},
		"temporal does not ans": {"freeze", "--reason", "INC-7"},
	} {
		got := run(t, args...)
		require.NotEqual(t, exitDone, got.code, "%s: %s", want, got.errOut)
		require.Contains(t, got.errOut, want)
	}
	t.Setenv("SENTINELONE_BASE_URL", "")
	got := run(t, "unfreeze")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.errOut, "console unknown")
}

// The state is shown from the ledger alone: who froze, and who would end it.
func TestFreezeStatus_FromTheLedger(t *testing.T) {
	f := newFixture(t)
	f.sync(host, "s1", scene())
	require.Contains(t, run(t, "freeze", "status").out, "not frozen")
	for i, m := range []access.Freeze{
		{Frozen: true, By: carol, Reason: "INC-7", Signed: "SHA256:x"}, {By: "dave@example.com", Signed: "SHA256:y"},
	} {
		m.Console = host
		of := ledger.Run{Request: wire.FreezeID(string(rune('a' + i))), ID: "run"}
		_, err := f.db.Append(t.Context(), host, ledger.NewEntry{
			Request: of.Request, Key: of.FreezeKey(), Body: ledger.Freeze{Freeze: m},
		})
		require.NoError(t, err)
	}
	got := run(t, "freeze", "status")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^by +carol@example.com \(SHA256:x\)$`, got.out)
	require.Regexp(t, `(?m)^reason +INC-7$`, got.out)
	require.Regexp(t, `(?m)^unfreeze +by dave@example.com, pending for 1 of 1 from anyone$`, got.out)
	require.Contains(t, run(t, "requests").errOut, "dave@example.com would end it")
}
