//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
)

// evidence is a receipt that holds, with the file that shows it.
type evidence struct {
	receipt        access.Receipt
	allowed, carol string // a file, and what is in it of her
}

func newEvidence(t *testing.T) evidence {
	t.Helper()
	at := time.Date(2026, 3, 3, 14, 5, 0, 0, time.UTC)
	bob, carols := sshtest.New(t), sshtest.New(t)
	sign := func(i sshtest.Key, s signing.Statement) (signature, fingerprint string) {
		key, err := signing.OpenKey(t.Context(), signing.KeyOptions{Path: i.Save(t, "")})
		require.NoError(t, err)
		signature, err = signing.Sign(t.Context(), key, s)
		require.NoError(t, err)
		return signature, ssh.FingerprintSHA256(key.PublicKey())
	}
	asked := access.RequestSpec{
		Op: access.OpGrant, Principal: access.PrincipalSelector{Kind: access.User, ID: "11"},
		Role: access.RoleSelector{ID: "21"}, Scope: access.ScopeSelector{Level: access.Tenant},
		Terms: access.Terms{Requester: "bob@example.com"},
	}
	given := access.Holdings{Level: access.Tenant, Held: []access.HeldRole{{RoleID: "21"}}}
	r := access.Receipt{
		Request: "grant/INC-42", Run: "run-1", State: "granted", Outcome: access.Applied,
		StartedAt: at, FinishedAt: at.Add(time.Minute),
		Proofs: []access.Proof{{
			Op: access.OpGrant, Key: "grant/INC-42#run-1/grant", Outcome: access.Applied, After: given,
			Writes: []access.Write{{At: at.Add(time.Second), Call: "PUT /users/11", Status: 200, After: given}},
			Reads:  []access.Read{{At: at.Add(2 * time.Second), Holdings: given}},
		}},
		LedgerHead: &access.LedgerHead{Console: "acmeco.sentinelone.net", Seq: 7, Hash: "abc", Seal: access.Unsealed},
		Plan: access.Plan{
			Op: asked.Op, Principal: access.PrincipalRef{Kind: access.User, ID: "11"}, Role: access.RoleRef{ID: "21"},
			Scope: access.ScopeRef{Level: access.Tenant}, Terms: asked.Terms,
			Approval: access.Approval{
				Required: true,
				Steps:    []access.ApprovalStep{{Need: 1, Groups: []string{"leads"}, People: []string{carol}}},
			},
		}.Seal(),
		RequestSignature: &access.RequestSignature{Request: asked, SignedAt: at},
	}
	q := r.RequestSignature
	q.Signature, q.Signed = sign(bob, signing.OfRequest(r.Request, *q))
	d := access.Decision{At: at, By: carol, Action: "approve", SignedAt: at, PlanHash: r.Plan.Hash}
	d.Signature, d.Signed = sign(carols, signing.OfDecision(r.Request, r.Run, d.PlanHash, d))
	r.Decisions = []access.Decision{d}
	return evidence{
		receipt: r.Seal(), carol: carols.Public(),
		allowed: tempFile(t, "bob@example.com "+bob.Public()+"\n"+carol+" "+carols.Public()+"\n"),
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	return string(text)
}

func TestVerify_AReceiptThatHolds(t *testing.T) {
	environ(t, nil)
	e := newEvidence(t)
	path := tempFile(t, asJSON(t, e.receipt))
	got := run(t, "verify", path, "--allowed-signers", e.allowed)
	require.Equal(t, exitDone, got.code, got.out+got.errOut)
	require.Equal(t, 8, strings.Count(got.out, "✓"), got.out)
	require.Contains(t, got.out, "by carol@example.com, signed with ssh-ed25519 SHA256:")
	require.Empty(t, got.errOut)

	environ(t, map[string]string{"ALLOWED_SIGNERS": e.allowed})
	result := tempFile(t, asJSON(t, map[string]any{"state": "granted", "receipt": e.receipt}))
	got = run(t, "verify", result, "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	answer := decode[receiptVerifyAnswer](t, got)
	require.True(t, answer.OK)
	require.Equal(t, e.receipt.Hash, answer.Hash)
	require.Len(t, answer.Checks, 9)
}

func TestVerify_AReceiptThatDoesNotHold(t *testing.T) {
	environ(t, nil)
	e := newEvidence(t)
	path := tempFile(t, asJSON(t, e.receipt))
	changed := strings.Replace(asJSON(t, e.receipt), `"state": "granted"`, `"state": "denied"`, 1)
	for want, args := range map[string][]string{
		"2 of 9 checks failed": {tempFile(t, changed), "--allowed-signers", e.allowed},
		"3 of 9 checks failed": {path, "--allowed-signers", e.allowed, "--revoked", tempFile(t, e.carol)},
		"4 of 9 checks failed": {path, "--allowed-signers", tempFile(t, carol+" "+sshtest.New(t).Public())},
	} {
		got := run(t, append([]string{"verify"}, args...)...)
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.errOut, "error: receipt not verified: "+want)
		require.Contains(t, got.out, "✗")
		got = run(t, append([]string{"verify", "-o", "json"}, args...)...)
		require.Equal(t, exitFailed, got.code)
		require.False(t, decode[receiptVerifyAnswer](t, got).OK)
	}
}

// What cannot be told is neither a yes nor a no.
func TestVerify_CannotBeTold(t *testing.T) {
	environ(t, nil)
	e := newEvidence(t)
	text := asJSON(t, e.receipt)
	path := tempFile(t, text)
	with := func(before, after string) string { return tempFile(t, strings.Replace(text, before, after, 1)) }
	r := e.receipt
	r.LedgerHead = new(*r.LedgerHead)
	r.LedgerHead.Seal = "SHA256:abc def"
	sealed := tempFile(t, asJSON(t, r.Seal()))
	nested := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	for want, args := range map[string][]string{
		"cannot check 2 signatures in the receipt": {path},
		"--revoked needs --allowed-signers":        {path, "--revoked", path},
		"/nonexistent/signers: cannot be read":     {path, "--allowed-signers", "/nonexistent/signers"},
		": line 1: ":                               {path, "--allowed-signers", tempFile(t, "carol")},
		"/nonexistent/receipt":                     {"/nonexistent/receipt"},
		"is not a receipt":                         {tempFile(t, "hello")},
		"no request or no hash":                    {tempFile(t, "{}")},
		"extra data follows it":                    {tempFile(t, text+text)},
		`"State" occurs twice`:                     {with(`"state": "g`, `"state": "x", "State": "g`)},
		`"by" occurs twice`:                        {with(`"by": `, `"by": "eve@example.com", "by": `)},
		`unknown field "approvedBy"`:               {with(`{`, `{"approvedBy": "the board",`)},
		"nested more than 100 deep":                {tempFile(t, nested)},
		"wrong number of arguments (0): write":     {},
		"--ledger-key /nonexistent/key: ":          {path, "--ledger-key", "/nonexistent/key"},
		"--policy: ":                               {path, "--policy", tempFile(t, "rules: 1")},
		"cannot check in the receipt: seal":        {sealed, "--allowed-signers", e.allowed},
	} {
		got := run(t, append([]string{"verify"}, args...)...)
		require.Equal(t, exitUsage, got.code, "%s: %s%s", want, got.out, got.errOut)
		require.Contains(t, got.errOut, want)
	}
}

// A receipt without signatures is what it says it is, as long as none are asked for.
func TestVerify_Unsigned(t *testing.T) {
	environ(t, nil)
	e := newEvidence(t)
	r := e.receipt
	r.RequestSignature = nil
	r.Decisions = []access.Decision{{By: carol, Action: "approve", Signed: access.Unsigned}}
	path := tempFile(t, asJSON(t, r.Seal()))
	got := run(t, "verify", path)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Contains(t, got.out, "by carol@example.com: not signed, so the name is only claimed")
	require.Contains(t, got.errOut, "the receipt is unsigned: names are claims: one person can be the requester")
	require.Equal(t, exitFailed, run(t, "verify", path, "--allowed-signers", e.allowed).code)
}

// A receipt is the same with what editors and the Temporal CLI do to it; in another encoding it is
// not judged, since it would count as changed.
func TestVerify_StrangeFiles(t *testing.T) {
	environ(t, nil)
	e := newEvidence(t)
	e.receipt.Message = "für ana"
	e.receipt = e.receipt.Seal()
	text := asJSON(t, e.receipt)
	for _, same := range []string{
		"\xef\xbb\xbf" + text, strings.ReplaceAll(text, "\n", "\r\n"), " \n" + text + "\n\n",
		strings.ReplaceAll(text, "[]", "null"),
	} {
		got := run(t, "verify", tempFile(t, same), "--allowed-signers", e.allowed)
		require.Equal(t, exitDone, got.code, got.out+got.errOut)
	}
	for other, want := range map[string]string{
		strings.ReplaceAll(text, "ü", "\xfc"):       "is not UTF-8: save the file as UTF-8 again",
		"\xff\xfe" + string([]byte{'{', 0, '}', 0}): "it is saved as UTF-16: save it as UTF-8",
		"":                                "it is empty: write it again with `starter show ID -o json`",
		"Results:\n  Status  COMPLETED\n": "or with `temporal workflow result -o json`",
	} {
		path := tempFile(t, other)
		got := run(t, "verify", path, "--allowed-signers", e.allowed)
		require.Equal(t, exitUsage, got.code, got.out+got.errOut)
		require.Contains(t, got.errOut, path)
		require.Contains(t, got.errOut, want)
	}
	got := run(t, "verify", " ")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.errOut, "RECEIPT is blank: pass a file with a receipt, or the id of a request")
	got = run(t, "verify", t.TempDir())
	require.Equal(t, exitUsage, got.code)
	require.Equal(t, 1, strings.Count(got.errOut, "read /"), got.errOut)
}

func TestVerify_StandardInput(t *testing.T) {
	environ(t, nil)
	e := newEvidence(t)
	var out, errOut bytes.Buffer
	p := &app{out: &out, err: &errOut}
	cmd := newVerifyCommand(p)
	cmd.SetIn(strings.NewReader(asJSON(t, e.receipt)))
	cmd.SetArgs([]string{"-", "--allowed-signers", e.allowed})
	require.NoError(t, cmd.ExecuteContext(t.Context()))
	require.Contains(t, out.String(), e.receipt.Hash)
}
