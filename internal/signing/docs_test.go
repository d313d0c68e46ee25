package signing

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/sshtest"
)

// The sample of an allowed_signers file in docs/signing.md, with whole keys in it, means to OpenSSH
// and to this package what the page says.
func TestDocs_AllowedSignersSample(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/signing.md")
	require.NoError(t, err)
	sample := regexp.MustCompile("(?s)```\n(# names, options, key\n.*?)```").FindSubmatch(doc)
	require.NotNil(t, sample)
	carols, bobs, socKey := sshtest.New(t), sshtest.RSA(t), sshtest.NewECDSA(t)
	file := string(sample[1])
	for placeholder, key := range map[string]sshtest.Key{
		"ssh-ed25519 AAAA…": carols, "ssh-rsa AAAA…": bobs, "ecdsa-sha2-nistp256 AAAA…": socKey,
	} {
		require.Contains(t, file, placeholder)
		file = regexp.MustCompile(regexp.QuoteMeta(placeholder)).ReplaceAllLiteralString(file, key.Public())
	}
	path, allowed := write(t, "allowed_signers", file), load(t, file)
	for _, c := range []struct {
		by   string
		key  sshtest.Key
		want bool
	}{
		{carol, carols, true},
		{carol, bobs, false},
		{bob, bobs, true},
		{"soc-lead@example.com", bobs, true},
		{"ana@soc.example.com", socKey, true},
		{"intern@soc.example.com", socKey, false},
	} {
		s := anApproval()
		s.By = c.by
		armored := signed(t, c.key, s)
		_, err := allowed.Verify(s, armored, noon)
		require.Equal(t, c.want, err == nil, "%s: %v", c.by, err)
		require.Equal(t, c.want, opensshVerifies(t, s, armored, path, "-O", "verify-time=20260303140500Z"), c.by)
	}
}

// The commands in docs/signing.md are the ones that the tests run.
func TestDocs_SigningByHand(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/signing.md")
	require.NoError(t, err)
	require.Contains(t, string(doc), "\nssh-keygen -Y sign -n "+Namespace+" -f ~/.ssh/id_ed25519 statement ")
	require.Contains(t, string(doc), "\nssh-keygen -Y verify -n "+Namespace+
		" -f allowed_signers -I "+carol+" -s statement.sig < statement\n")
}
