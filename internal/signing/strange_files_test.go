package signing

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/sshtest"
)

// What follows a key in its line is a comment. A file with old line ends is one line, so all keys
// but the first would be comments: nobody would notice that a revoked key goes on signing.
func TestSigners_CarriageReturnHidesNoLine(t *testing.T) {
	t.Parallel()
	one, two := sshtest.New(t), sshtest.New(t)
	for _, name := range []string{carol, "*"} {
		text := name + " " + one.Public() + "\rdan@example.com " + two.Public() + "\r"
		_, err := LoadAllowedSigners(write(t, "allowed_signers", text), "")
		require.ErrorContains(t, err, "line 1: a carriage return stands inside it: save the file with line ends LF")
	}
	allowed := write(t, "allowed_signers", carol+" "+two.Public())
	revoked := strings.TrimSpace(one.Public()) + "\r" + strings.TrimSpace(two.Public()) + "\r"
	_, err := LoadAllowedSigners(allowed, write(t, "revoked", revoked))
	require.ErrorContains(t, err, "line 1: a carriage return stands inside it")

	for _, end := range []string{"\u0085", "\u2028", "\u2029", "\v", "\f", "\x00"} {
		_, err := LoadAllowedSigners(allowed, write(t, "revoked", strings.ReplaceAll(revoked, "\r", end)))
		require.ErrorContains(t, err, "which is no line end of a text file: type it again", "%q", end)
		_, err = LoadAllowedSigners(write(t, "allowed", carol+" "+two.Public()+"\n"+end), "")
		require.ErrorContains(t, err, "line 2: it contains U+", "%q, as behind the last line", end)
	}
	_, err = LoadAllowedSigners(write(t, "allowed", carol+" "+two.Public()+"\n\u200b\ufeff"), "")
	require.ErrorContains(t, err, "line 2: nothing in it prints: remove the line")

	for _, ends := range []string{"\n", "\r\n", "\n\n"} {
		keys := []string{strings.TrimSpace(one.Public()), strings.TrimSpace(two.Public()), ""}
		list := "\xef\xbb\xbf" + strings.Join(keys, ends)
		a, err := LoadAllowedSigners(allowed, write(t, "revoked", list))
		require.NoError(t, err)
		_, err = a.Verify(anApproval(), signed(t, two, anApproval()), noon)
		require.ErrorContains(t, err, "revoked")
	}
}

// A name that cannot be typed matches nobody, so its owner would be refused as unknown.
func TestSigners_NamesCanBeTyped(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t).Public()
	for name, want := range map[string]string{
		"“carol@example.com”":       "line 2: its names stand in quotes of a word processor",
		"\ufeffcarol@example.com":   "line 2: its names contain U+FEFF, which prints nothing",
		"carol@\u200bexample.com":   "line 2: its names contain U+200B",
		"carol@example.com,d\xe9@b": "line 2: it is not UTF-8: save the file as UTF-8",
	} {
		_, err := LoadAllowedSigners(write(t, "allowed_signers", "# team\n"+name+" "+key), "")
		require.ErrorContains(t, err, want, "%q", name)
	}
	load(t, `"carol@example.com,rené@example.com" `+key)
}

// A key as editors save it is the same key; what is none says what it is.
func TestOpenKey_StrangeFiles(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	saved, err := os.ReadFile(key.Save(t, ""))
	require.NoError(t, err)
	text := string(saved)
	for _, same := range []string{
		"\xef\xbb\xbf" + text, strings.ReplaceAll(text, "\n", "\r\n"), "\n \t\r\n" + text, strings.TrimSpace(text),
		"\xef\xbb\xbf" + strings.ReplaceAll(text, "\n", "\r\n"),
	} {
		opened, err := OpenKey(t.Context(), KeyOptions{Path: write(t, "key", same)})
		require.NoError(t, err, "%q", same[:12])
		_, err = load(t, carol+" "+key.Public()).Verify(anApproval(), signed(t, opened, anApproval()), noon)
		require.NoError(t, err)
		_, err = LoadLedgerKey(write(t, "key", same))
		require.NoError(t, err, "%q", same[:12])
	}
	for other, want := range map[string]string{
		"":                                "it is empty: copy the private key again",
		" \n":                             "it is empty",
		"PuTTY-User-Key-File-3: ssh-rsa":  "convert it with `puttygen KEY -O private-openssh-new -o NEW`",
		"---- BEGIN SSH2 PUBLIC KEY ----": "it is a public key: pass the private one",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n": "it is no private key but a certificate",
		text[:200]:                              "it is cut off, or has lost its line breaks",
		strings.ReplaceAll(text, "\n", " "):     "it is cut off, or has lost its line breaks",
		strings.ReplaceAll(text, "\n", "\r"):    "it is cut off, or has lost its line breaks",
		strings.Replace(text, "b3Blb", "b4", 1): "its private key cannot be read",
		"carol@example.com":                     "no key found, which would begin with `-----BEGIN `",
		"\xff\xfe-\x00-\x00":                    "save it as UTF-8",
	} {
		path := write(t, "key", other)
		_, err := OpenKey(t.Context(), KeyOptions{Path: path})
		require.ErrorContains(t, err, "key "+path+": ", "%q", other)
		require.ErrorContains(t, err, want, "%q", other)
		_, err = LoadLedgerKey(path)
		require.ErrorContains(t, err, want, "%q", other)
	}
}

// The Temporal CLI prints an empty list as null, and sorts the names of objects. The receipt is the
// same, and is not reported as changed.
func TestParseReceipt_AsTheTemporalCLIPrintsIt(t *testing.T) {
	t.Parallel()
	b := newReceiptBuilder(t)
	empty := func(p *access.Plan) {
		p.Approval.Steps = []access.ApprovalStep{{Need: 1, Groups: []string{access.Anyone}, People: []string{}}}
		p.Approval.Review = &access.Review{ApprovalStep: access.ApprovalStep{
			Need: 1, Groups: []string{access.Anyone}, People: []string{},
		}}
	}
	r := b.grantReceipt(t, empty)
	r.Proofs[0].Reads = []access.Read{}
	r.Extensions = []access.Extension{{At: noon, By: bob, Asked: &access.ExtensionRequest{
		Request: r.Request, Approval: r.Plan.Approval,
	}}}
	r = r.Seal()
	text, err := json.Marshal(map[string]any{"workflowId": r.Request, "result": map[string]any{"receipt": r}})
	require.NoError(t, err)
	require.Equal(t, 9, strings.Count(string(text), ":[]"), "%s", text)
	printed := strings.ReplaceAll(string(text), ":[]", ":null")

	got, err := ParseReceipt([]byte(printed))
	require.NoError(t, err)
	require.True(t, got.Intact())
	require.True(t, got.Plan.Intact())
	require.Equal(t, r.Extensions, got.Extensions)

	got, err = ParseReceipt([]byte(strings.Replace(printed, `"need":1`, `"need":0`, 1)))
	require.NoError(t, err)
	require.False(t, got.Intact(), "a receipt that was changed besides")
}

func TestParseReceipt_SaysWhatAFileIsInstead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "it is empty: write it again with `starter show ID -o json`",
		" \r\n":                     "it is empty",
		"Results:\n  Status  DONE":  "it is not JSON, which begins with {",
		"\u00a0{}":                  "it has no request or no hash",
		`{"request":"grant/INC-42"`: "it is cut off: copy the whole file again",
	} {
		_, err := ParseReceipt([]byte(text))
		require.ErrorContains(t, err, want, "%q", text)
	}
}
