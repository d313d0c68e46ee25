package signing

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"sentinelone-provisioner/internal/sshtest"
)

// OpenSSH and this package must agree on whether each file lets the key sign. KEY is the key that
// signed, OTHER another one.
func TestAllowedSigners_AgreeWithOpenSSH(t *testing.T) {
	t.Parallel()
	key, other := sshtest.New(t), sshtest.New(t)
	armored := signed(t, key, anApproval())
	for _, c := range []struct {
		file string
		want bool
	}{
		{"carol@example.com KEY", true},
		{"carol@example.com KEY a comment", true},
		{"  \t carol@example.com \t KEY", true},
		{"# a comment\n\n \t\n\t# another\ncarol@example.com KEY\n", true},
		{"carol@example.com KEY\r\n", true},
		{"carol@example.com OTHER\ncarol@example.com KEY", true},
		{"carol@example.com OTHER", false},
		{"dave@example.com KEY", false},
		{"Carol@example.com KEY", false},
		{"carol@example.com,dave@example.com KEY", true},
		{"dave@example.com,carol@example.com KEY", true},
		{`"carol@example.com" KEY`, true},
		{`"dave@example.com,carol@example.com" namespaces="sentinelone-provisioner" KEY`, true},
		{"*@example.com KEY", true},
		{"*@example.org KEY", false},
		{"c*@ex*.com KEY", true},
		{"*l@*le.c*m* KEY", true},
		{"c?rol@example.com KEY", true},
		{"?carol@example.com KEY", false},
		{"* KEY", true},
		{"*,!carol@example.com KEY", false},
		{"!carol@example.com,* KEY", false},
		{"!dave@example.com,* KEY", true},
		{"!dave@example.com KEY", false},
		{"*@example.com,!c* KEY", false},
		{`carol@example.com namespaces="sentinelone-provisioner" KEY`, true},
		{`carol@example.com NameSpaces="sentinelone-provisioner" KEY`, true},
		{`carol@example.com namespaces="file" KEY`, false},
		{`carol@example.com namespaces="file,sentinelone-*" KEY`, true},
		{`carol@example.com namespaces="*,!sentinelone-provisioner" KEY`, false},
		{`carol@example.com namespaces="Sentinelone-provisioner" KEY`, false},
		{`carol@example.com namespaces="" KEY`, false},
		{`carol@example.com namespaces="a b,sentinelone-provisioner" KEY`, true},
		{`carol@example.com valid-after="20260303140500Z" KEY`, true},
		{`carol@example.com valid-after="20260303140501Z" KEY`, false},
		{`carol@example.com valid-before="20260303140500Z" KEY`, true},
		{`carol@example.com valid-before="20260303140459Z" KEY`, false},
		{`carol@example.com valid-before="20260303z" KEY`, false},
		{`carol@example.com valid-after="20260303utc" KEY`, true},
		{`carol@example.com valid-after="202603031404Z",valid-before="202603031406Z" KEY`, true},
		{`carol@example.com namespaces="sentinelone-provisioner",valid-before="20270101" KEY`, true},
		{`carol@example.com valid-before="20260101" KEY`, false},
		{"carol@example.com valid-before=\"20260101\" KEY\ncarol@example.com KEY", true},
		{"dave@example.com KEY\ncarol@example.com KEY", true},
	} {
		text := strings.NewReplacer("KEY", key.Public(), "OTHER", other.Public()).Replace(c.file)
		path := write(t, "allowed_signers", text)
		require.Equal(t, c.want, opensshVerifies(t, anApproval(), armored, path, "-O", "verify-time=20260303140500Z"),
			"OpenSSH: %s", c.file)
		a, err := LoadAllowedSigners(path, "")
		require.NoError(t, err, c.file)
		_, err = a.Verify(anApproval(), armored, noon.Add(999*time.Millisecond))
		require.Equal(t, c.want, err == nil, "%s: %v", c.file, err)
	}
}

// Lines that OpenSSH skips are errors, each with its number.
func TestAllowedSigners_FaultsNameTheLine(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	armored := signed(t, key, anApproval())
	fields := strings.Fields(key.Public())
	for _, c := range [][2]string{
		{"carol@example.com", "it has no key"},
		{`"carol@example.com KEY`, "the closing quote after the principals is missing"},
		{"KEY", "it begins with a key"},
		{"carol@example.com ssh-ed25519", "it has no key"},
		{"carol@example.com ssh-ed25519 AAAA!", "its ssh-ed25519 key is not complete base64"},
		{"carol@example.com ssh-ed25519 AAAA", "its ssh-ed25519 key cannot be read"},
		{"carol@example.com ssh-rsa " + fields[1], "it says ssh-rsa, but the key is of type ssh-ed25519"},
		{"carol@example.com ssh-ed25519-cert-v01@openssh.com AAAA", "it lists a certificate"},
		{`carol@example.com KEYLESS="x" KEY`, `unknown option "KEYLESS"`},
		{`carol@example.com namespaces=file KEY`, "option namespaces: its value must be in double quotes"},
		{`carol@example.com namespaces KEY`, "option namespaces: its value must be in double quotes"},
		{`carol@example.com namespaces="file KEY`, "option namespaces: its closing quote is missing"},
		{`carol@example.com namespaces="a",namespaces="b" KEY`, "option namespaces is given twice"},
		{`carol@example.com namespaces="a", KEY`, "the options end in a comma"},
		{`carol@example.com namespaces="a"b KEY`, `option namespaces is followed by "b"`},
		{`carol@example.com namespaces="a" and KEY`, "it has no key"},
		{`carol@example.com valid-after="tomorrow" KEY`, `option valid-after: invalid time "tomorrow"`},
		{`carol@example.com valid-after="2026030314Z" KEY`, "invalid time"},
		{`carol@example.com valid-before="20261303Z" KEY`, "invalid time"},
		{`carol@example.com valid-before="19700101Z" KEY`, "invalid time"},
		{`carol@example.com valid-after="2027Z" KEY`, "invalid time"},
		{`carol@example.com valid-after="20270101Z",valid-before="20260101Z" KEY`, "is not after valid-after"},
		{`carol@example.com cert-authority KEY`, "cert-authority is not supported"},
		{`*@example.com Cert-Authority,namespaces="file" KEY`, "cert-authority is not supported"},
	} {
		line, want := c[0], c[1]
		text := "# who may sign\n" + strings.ReplaceAll(line, "KEY", key.Public()) + "\n"
		if strings.HasPrefix(line, "carol@example.com KEYLESS") {
			text = "# who may sign\n" + `carol@example.com KEYLESS="x" ` + key.Public()
		}
		path := write(t, "allowed_signers", text)
		require.False(t, opensshVerifies(t, anApproval(), armored, path, "-O", "verify-time=20260303140500Z"), line)
		_, err := LoadAllowedSigners(path, "")
		require.ErrorContains(t, err, path+": line 2: ", line)
		require.ErrorContains(t, err, want, line)
		require.NotContains(t, err.Error(), fields[1], line)
	}
}

func TestLoadAllowedSigners_AllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	path := write(t, "allowed_signers", "one\n# fine\ntwo\n")
	revoked := write(t, "revoked", "\nthree\n")
	_, err := LoadAllowedSigners(path, revoked)
	require.ErrorContains(t, err, path+": line 1: it has no key")
	require.ErrorContains(t, err, "\n"+path+": line 3: it has no key")
	require.ErrorContains(t, err, "\n"+revoked+": line 2: it has no key")
	_, err = LoadAllowedSigners(write(t, "empty", "# nobody\n"), "")
	require.ErrorContains(t, err, "it lists no signer, so every signature would be refused")
	_, err = LoadAllowedSigners("/nonexistent/signers", "/nonexistent/revoked")
	require.EqualError(t, err, "/nonexistent/signers: cannot be read: no such file or directory\n"+
		"/nonexistent/revoked: cannot be read: no such file or directory")
}

// The error names the line that came nearest, and never shows a key.
func TestVerify_SaysWhyAKeyMayNotSign(t *testing.T) {
	t.Parallel()
	key, other := sshtest.New(t), sshtest.New(t)
	armored := signed(t, key, anApproval())
	name := key.Fingerprint()
	for file, want := range map[string]string{
		"carol@example.com OTHER": "key " + name + " is not in the file of allowed signers",
		"dave@example.com KEY": "key " + name + ` may not sign for "carol@example.com": ` +
			"line 1 allows it for other names (names there are case-sensitive)",
		`carol@example.com valid-after="20270101Z" KEY`: "key " + name +
			" is not valid yet: line 1 allows it from 2027-01-01T00:00:00Z",
		"dave@example.com KEY\n" + `carol@example.com valid-before="20260101Z" KEY` + "\neve@example.com KEY": "key " +
			name + " is no longer valid: line 2 allows it until 2026-01-01T00:00:00Z",
		`carol@example.com namespaces="file" KEY`: "key " + name + " may not sign here: " +
			`line 1 allows it for namespaces other than "sentinelone-provisioner"`,
	} {
		a := load(t, strings.NewReplacer("KEY", key.Public(), "OTHER", other.Public()).Replace(file))
		_, err := a.Verify(anApproval(), armored, noon)
		require.EqualError(t, err, want)
	}
}

// A negated pattern excludes a person in every spelling, though names are otherwise
// case-sensitive.
func TestVerify_NegatedPatternExcludesEverySpelling(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	a := load(t, "*@example.com,*@Example.com,!carol@example.com "+key.Public())
	for _, by := range []string{"carol@example.com", "Carol@example.com", "carol@Example.com", " carol@example.com"} {
		s := anApproval()
		s.By = by
		_, err := a.Verify(s, signed(t, key, s), noon)
		require.ErrorContains(t, err, "may not sign for", by)
	}
	s := anApproval()
	s.By = "dave@Example.com"
	got, err := a.Verify(s, signed(t, key, s), noon)
	require.NoError(t, err)
	require.Equal(t, "*@Example.com", got.Principal)
}

// A negated pattern excludes a person in the spelling of the pattern, as in OpenSSH, and in
// every other spelling too, where OpenSSH lets the person sign.
func TestVerify_NegatedPatternInUpperCase(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	for _, c := range []struct {
		principals, by string
		openSSH, ours  bool
	}{
		{"!ANA@EXAMPLE.COM,*@example.com", "ana@example.com", true, false},
		{"*@example.com,!ANA@EXAMPLE.COM", "ana@example.com", true, false},
		{"!ANA@EXAMPLE.COM,*@EXAMPLE.COM", "ANA@EXAMPLE.COM", false, false},
		{"!ANA@EXAMPLE.COM,*", "Ana@Example.com", true, false},
		{"!A*@EXAMPLE.COM,*@example.com", "ana@example.com", true, false},
		{"!?NA@EXAMPLE.COM,*@example.com", "ana@example.com", true, false},
		{"!ana@example.com,*@EXAMPLE.COM", "ANA@EXAMPLE.COM", true, false},
		{"!ana@example.com,*@example.com", "ana@example.com", false, false},
		{"!ANA@EXAMPLE.COM,*@example.com", "bob@example.com", true, true},
		{"!ANA@EXAMPLE.COM,*@example.com", "dana@example.com", true, true},
		{"!?ana@example.com,*", " ana@example.com", false, false},
		{"ANA@EXAMPLE.COM", "ana@example.com", false, false},
		{"*@EXAMPLE.COM", "ana@example.com", false, false},
	} {
		s := anApproval()
		s.By = c.by
		armored, line := signed(t, key, s), c.principals+" "+key.Public()
		require.Equal(t, c.openSSH, opensshVerifies(t, s, armored, write(t, "allowed_signers", line)),
			"OpenSSH: %s signs for %s", c.principals, c.by)
		_, err := load(t, line).Verify(s, armored, noon)
		require.Equal(t, c.ours, err == nil, "%s signs for %s: %v", c.principals, c.by, err)
		if !c.ours {
			require.ErrorContains(t, err, "may not sign for", c.by)
		}
	}
}

func TestVerify_RevokedKey(t *testing.T) {
	t.Parallel()
	key, other := sshtest.New(t), sshtest.RSA(t)
	line := carol + " " + key.Public()
	armored := signed(t, key, anApproval())
	path := write(t, "allowed_signers", line)
	for _, c := range []struct {
		revoked string
		want    bool
	}{
		{"", true},
		{"# none\n", true},
		{other.Public(), true},
		{"# left in May\n\n" + other.Public() + " bob\n" + key.Public() + " carol's old laptop\n", false},
	} {
		list := write(t, "revoked", c.revoked)
		require.Equal(t, c.want, opensshVerifies(t, anApproval(), armored, path, "-r", list), "OpenSSH: %q", c.revoked)
		a, err := LoadAllowedSigners(path, list)
		require.NoError(t, err)
		_, err = a.Verify(anApproval(), armored, noon)
		require.Equal(t, c.want, err == nil, "%q: %v", c.revoked, err)
		if !c.want {
			require.ErrorContains(t, err, "is revoked (line 4 of "+list+")")
		}
	}
}

func TestLoadAllowedSigners_RefusesABinaryKRL(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	krl := write(t, "krl", "")
	_, err := keygen(t, nil, "-q", "-k", "-f", krl, write(t, "key.pub", key.Public()))
	require.NoError(t, err)
	_, err = LoadAllowedSigners(write(t, "allowed_signers", carol+" "+key.Public()), krl)
	require.EqualError(t, err, krl+": it is a binary KRL, which is not supported: "+
		"list the revoked public keys, one a line")
	_, err = LoadAllowedSigners(write(t, "allowed_signers", carol+" "+key.Public()), write(t, "spec", "serial: 1\n"))
	require.ErrorContains(t, err, "line 1: it has no key")
}

// An edited file counts for the next signature; a file that cannot be read is a FileError.
func TestVerify_ReadsTheFilesEachTime(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	armored := signed(t, key, anApproval())
	path, revoked := write(t, "allowed_signers", carol+" "+key.Public()), write(t, "revoked", "")
	a, err := LoadAllowedSigners(path, revoked)
	require.NoError(t, err)
	_, err = a.Verify(anApproval(), armored, noon)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(revoked, []byte(key.Public()), 0o600))
	_, err = a.Verify(anApproval(), armored, noon)
	require.ErrorContains(t, err, "is revoked")
	var broken *FileError
	require.NotErrorAs(t, err, &broken)

	require.NoError(t, os.WriteFile(path, []byte("carol"), 0o600))
	_, err = a.Verify(anApproval(), armored, noon)
	require.ErrorAs(t, err, &broken)
	require.Equal(t, path, broken.Path)
	require.NoError(t, os.Remove(revoked))
	require.NoError(t, os.WriteFile(path, []byte(carol+" "+key.Public()), 0o600))
	_, err = a.Verify(anApproval(), armored, noon)
	require.ErrorAs(t, err, &broken)
	require.Equal(t, revoked, broken.Path)
}

func TestLoadAllowedSigners_RefusesWeakKeys(t *testing.T) {
	t.Parallel()
	private := write(t, "rsa", "")
	require.NoError(t, os.Remove(private))
	_, err := keygen(t, nil, "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", private)
	require.NoError(t, err)
	public, err := os.ReadFile(private + ".pub")
	require.NoError(t, err)
	_, err = LoadAllowedSigners(write(t, "allowed_signers", carol+" "+string(public)), "")
	require.ErrorContains(t, err, "has 1024 bits: use one of 2048 or more")
	load(t, carol+" "+sshtest.New(t).Public(), string(public))
}

// Signatures in testdata, made by OpenSSH (make.sh), must stay valid.
func TestVerify_Golden(t *testing.T) {
	t.Parallel()
	a, err := LoadAllowedSigners("testdata/allowed_signers", "testdata/revoked")
	require.NoError(t, err)
	for name, want := range map[string]string{
		"ed25519": ssh.KeyAlgoED25519, "ecdsa": ssh.KeyAlgoECDSA256,
		"rsa": ssh.KeyAlgoRSA, "rsa-sha256": ssh.KeyAlgoRSA,
	} {
		armored, err := os.ReadFile("testdata/" + name + ".sig")
		require.NoError(t, err)
		got, err := a.Verify(anApproval(), string(armored), noon)
		require.NoError(t, err, name)
		require.Equal(t, want, got.KeyType)
	}
	for name, want := range map[string]string{"revoked": "is revoked", "namespace-file": `for the namespace "file"`} {
		armored, err := os.ReadFile("testdata/" + name + ".sig")
		require.NoError(t, err)
		_, err = a.Verify(anApproval(), string(armored), noon)
		require.ErrorContains(t, err, want)
	}
}
