package signing

import (
	"encoding/pem"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzParseSigners(f *testing.F) {
	golden, err := os.ReadFile("testdata/allowed_signers")
	require.NoError(f, err)
	f.Add(golden)
	f.Add([]byte(`"a b" namespaces="\"",valid-after="20260303Z" ssh-ed25519 AAAA` + "\n\"\n#\n \x00"))
	f.Add([]byte(krlMagic))
	f.Fuzz(func(t *testing.T, text []byte) {
		signers, err := parseSigners(text)
		require.Equal(t, len(signers) == 0, len(signers) == 0 && err != nil, "no signer, but no fault")
		for _, s := range signers {
			require.NotEmpty(t, s.principals)
			require.NotNil(t, s.key)
			require.NotZero(t, s.line)
		}
		_, _ = parseRevoked(text)
	})
}

// Both the armored form and its content are fuzzed.
func FuzzVerify(f *testing.F) {
	for _, name := range []string{"ed25519", "ecdsa", "rsa", "revoked"} {
		golden, err := os.ReadFile("testdata/" + name + ".sig")
		require.NoError(f, err)
		block, _ := pem.Decode(golden)
		f.Add(golden)
		f.Add(block.Bytes)
	}
	f.Add([]byte(begin + "\nU1NIU0lHAAAAAQ==\n" + end))
	a, err := LoadAllowedSigners("testdata/allowed_signers", "testdata/revoked")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		other := anApproval()
		other.Comment = "something else"
		wire := pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: text})
		for _, armored := range []string{string(text), string(wire)} {
			if got, err := a.Verify(anApproval(), armored, noon); err == nil {
				require.Equal(t, carol, got.Principal)
			}
			_, err := a.Verify(other, armored, noon)
			require.Error(t, err)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("carol@example.com", "c*@*.com")
	f.Add("aaaaaaaab", "*a*a*?b")
	f.Add("", "*")
	f.Fuzz(func(t *testing.T, name, pattern string) {
		if len(name)+len(pattern) > 200 || strings.ContainsFunc(name+pattern, func(r rune) bool { return r > 0x7e }) {
			return // regexp counts runes, OpenSSH bytes
		}
		form := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		require.Equal(t, regexp.MustCompile(`(?s)^`+form+`$`).MatchString(name), match(name, pattern))
	})
}

// Any text is either refused, or read and verified without an error.
func FuzzReceipt(f *testing.F) {
	f.Add([]byte(`{"request":"grant/1","hash":"x","plan":{"terms":{"duration":"4h"}},"proofs":[]}`))
	f.Add([]byte(`{"receipt":{"request":"grant/1","hash":"x","decisions":[{"action":"approve","signed":"x"}],` +
		`"plan":{"approval":{"required":true,"review":{"need":1,"within":"1h"}}},"proofs":[{}]}}`))
	a, err := LoadAllowedSigners("testdata/allowed_signers", "testdata/revoked")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseReceipt(text)
		if err != nil {
			return
		}
		for _, signers := range []*AllowedSigners{nil, a} {
			checks, err := VerifyReceipt(r, signers)
			require.NoError(t, err)
			require.NotEmpty(t, checks)
		}
	})
}
