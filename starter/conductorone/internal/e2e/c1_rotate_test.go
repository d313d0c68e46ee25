package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/crypto/providers/jwk"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/starter/conductorone/internal/c1test"
)

// The token that a rotation makes is for ConductorOne's key alone: it is in no history, database, log, .c1z, answer or
// file of the connector, neither as it is nor in hexadecimal or base64. Two rotations make two tokens. Without the
// connector's signature there is none.
func TestCanary_RotatedTokenAppearsNowhere(t *testing.T) {
	t.Parallel()
	e, key := newSignedC1Env(t)
	ci, err := e.console.AddServiceUser(access.Principal{Name: "ci builds"})
	require.NoError(t, err)
	provider := &jwk.JWKEncryptionProvider{}
	config, private, err := provider.GenerateKey(e.ctx())
	require.NoError(t, err)
	who := v2.ResourceId_builder{ResourceType: "service_user", Resource: ci}.Build()
	task := c1test.Rotate(who, noPassword(), config)

	e.reconnect("ALLOWED_SIGNERS=")
	refused := e.do(task)
	e.requireSentence(refused, "rotate/c1-", "was refused", "is required: have --signing-key")
	require.Empty(t, e.console.ServiceUserToken(ci))

	files := t.TempDir()
	e.reconnect("BATON_SIGNING_KEY="+key.Save(t, ""), "TMPDIR="+files)
	var tokens, texts []string
	for range 2 {
		got := e.do(task)
		require.True(t, got.Succeeded(), got.Message())
		var rotated v2.RotateCredentialResponse
		got.Response(t, &rotated)
		require.Len(t, rotated.GetEncryptedData(), 1)
		plain, err := provider.Decrypt(e.ctx(), rotated.GetEncryptedData()[0], private)
		require.NoError(t, err)
		require.Equal(t, e.console.ServiceUserToken(ci), string(plain.GetBytes()))
		tokens = append(tokens, string(plain.GetBytes()))
		texts = append(texts, prototext.Format(got.Finished))
	}
	require.NotEqual(t, tokens[0], tokens[1])

	e.sync()
	shown := e.starter("requests")
	require.Zero(t, shown.code, shown.stderr)
	texts = append(texts, shown.stdout, e.histories())
	uploaded := e.synced()
	require.NotNil(t, uploaded.Resource("service_user", ci))
	for _, r := range uploaded.Resources {
		texts = append(texts, prototext.Format(r))
	}
	_, err = e.worker.Stop(limit)
	require.NoError(t, err)
	e.connector.Kill()
	database := e.databaseBytes()
	require.Contains(t, strings.Join(database, ""), "BEGIN AGE ENCRYPTED FILE", "the ledger has it encrypted")
	texts = append(append(texts, database...), e.output.String(), e.workerOutput.String())
	texts = append(texts, contentsOf(t, files)...)

	for _, text := range texts {
		for _, token := range tokens {
			for _, written := range encodings(token) {
				require.NotContains(t, text, written)
			}
		}
	}
	require.Contains(t, strings.Join(texts, ""), ci, "the search looks at real text")
}

// encodings are the ways in which a secret may stand in a text.
func encodings(secret string) []string {
	out := []string{secret, hex.EncodeToString([]byte(secret))}
	for _, before := range []string{"", "x", "xx"} { // in the middle of other text
		whole := len(before+secret) / 3 * 3
		text := base64.RawStdEncoding.EncodeToString([]byte((before + secret)[:whole]))
		out = append(out, text[(len(before)*8+5)/6:])
	}
	return out
}

// contentsOf are the files below a folder.
func contentsOf(t *testing.T, folder string) (out []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		body, err := os.ReadFile(path)
		out = append(out, string(body))
		return err
	}))
	return out
}
