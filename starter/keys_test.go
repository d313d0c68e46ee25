package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/sshtest"
)

// What rests on a key is found by its fingerprint or its file, printed for people and
// programs, and its fingerprint is completed.
func TestKeysImpact(t *testing.T) {
	f := newFixture(t)
	t.Setenv("SENTINELONE_BASE_URL", "https://"+host)
	key, other := sshtest.New(t), sshtest.New(t)
	plan := access.Plan{
		Op: access.OpAcquire, Console: host,
		Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: "ana@example.com"},
		Role:      access.RoleRef{ID: "302", Name: "SOC"},
		Scope:     access.ScopeRef{Level: access.SiteLevel, ID: "201", Name: "Acme / Berlin"},
		Terms:     access.Terms{Requester: "bob@example.com", Duration: access.Duration(4 * time.Hour)},
		Approval: access.Approval{
			Required: true, DecideWithin: access.Duration(time.Hour),
			Steps: []access.ApprovalStep{{Need: 1, Groups: []string{access.Anyone}, People: []string{}}},
		},
	}.Seal()
	record := func(id, receipt string) {
		run := ledger.Run{Request: id, ID: "r1"}
		entries := []ledger.NewEntry{{Request: id, Key: run.RequestKey(0), Body: ledger.Request{
			Plan: plan, Signature: &access.RequestSignature{Signed: key.Fingerprint()},
		}}}
		if receipt != "" {
			entries = append(entries, ledger.NewEntry{Request: id, Key: run.ReceiptKey(), Body: ledger.Receipt{
				Receipt: access.Receipt{Request: id, Run: "r1", Plan: plan, State: receipt}.Seal(),
			}})
		}
		_, err := f.db.Append(t.Context(), host, entries...)
		require.NoError(t, err)
	}
	record("grant/OPEN", "")
	record("grant/OVER", "denied")

	got := run(t, "keys", "impact", key.Fingerprint())
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^grant/OPEN +grant user ana@example.com .*, for 4h +the request of bob@example.com +`+
		`pending +ends refused \(unauthorized\) once it is applied: cancel it, and request it again$`, got.out)
	require.NotContains(t, got.out, "OVER")
	require.Contains(t, got.errOut, "note: the key also signed 1 ended request")
	require.Regexp(t, `(?m)^grant/OVER .* ended`, run(t, "keys", "impact", key.Fingerprint(), "--all").out)

	answer := decode[requestrecord.KeyImpact](t, run(t, "keys", "impact", publicKeyFile(t, key), "-o", "json"))
	require.Equal(t, key.Fingerprint(), answer.Key)
	require.Equal(t, requestrecord.KeyPending, answer.Requests[0].State)
	require.Len(t, answer.Ended, 1)

	got = run(t, "keys", "impact", other.Fingerprint())
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.errOut, "nothing in force or pending at "+host+" rests on "+other.Fingerprint())
	for _, wrong := range []string{"SHA256:short", "no-such-file"} {
		got = run(t, "keys", "impact", wrong)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.errOut, "is neither a fingerprint, as in SHA256:…, nor a file")
	}

	file := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(file, []byte("carol@example.com "+other.Public()+"\n"), 0o600))
	t.Setenv("ALLOWED_SIGNERS", file)
	statement := "sentinelone-provisioner statement 1\nkind: request\nby: bob@example.com\n"
	_, err := f.db.Append(t.Context(), host, ledger.NewEntry{
		Request: "grant/OPEN", Key: ledger.SignatureKey([]byte(statement)),
		Body: ledger.Signature{UsedFor: "x", Statement: statement, Signed: key.Fingerprint()},
	})
	require.NoError(t, err)
	offered := run(t, "__complete", "keys", "impact", "SHA").out
	require.Contains(t, offered, other.Fingerprint()+"\tcarol@example.com\n")
	require.Contains(t, offered, key.Fingerprint()+"\tbob@example.com\n")
}
