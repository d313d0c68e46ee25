package signing

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/sshtest"
)

var today = time.Date(2026, 3, 3, 14, 5, 0, 0, time.UTC)

// saved writes a text to a file of its own.
func saved(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// The report has each line with its state, and warns where a line lets more or fewer people
// sign than it seems to.
func TestInspectSigners(t *testing.T) {
	t.Parallel()
	carol, shared, wild, old, gone, other, rsa := sshtest.New(t), sshtest.New(t), sshtest.New(t), sshtest.New(t),
		sshtest.New(t), sshtest.New(t), sshtest.RSA(t)
	path := saved(t, strings.Join([]string{
		"# people",
		"carol@example.com " + carol.Public(),
		"bob@example.com " + shared.Public(),
		`*@soc.example.com,!intern@soc.example.com valid-before="20260320Z" ` + wild.Public(),
		`dave@example.com valid-before="20260301Z" ` + old.Public(),
		"erin@example.com " + gone.Public(),
		`frank@example.com namespaces="git" ` + other.Public(),
		`gina@example.com valid-after="20270101Z" ` + carol.Public(),
		"bob.admin@example.com " + shared.Public(),
		"hugo@example.com " + rsa.Public(),
	}, "\n"))
	revoked := saved(t, gone.Public())
	got, err := InspectSigners(path, revoked, today)
	require.NoError(t, err)
	require.True(t, got.OK)
	require.Empty(t, got.Faults)
	var states []SignerState
	for _, s := range got.Signers {
		states = append(states, s.State)
	}
	require.Equal(t, []SignerState{
		SignerValid, SignerValid, SignerValid, SignerExpired, SignerRevoked, SignerOther, SignerEarly, SignerValid,
		SignerValid,
	}, states)
	require.Equal(t, []string{"*@soc.example.com", "!intern@soc.example.com"}, got.Signers[2].Names)
	require.Equal(t, 4, got.Signers[2].Line)
	require.Equal(t, time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC), *got.Signers[2].ValidBefore)
	require.Nil(t, got.Signers[0].ValidBefore)
	require.Equal(t, shared.Fingerprint(), got.Signers[1].Fingerprint)

	var warnings []string
	for _, w := range got.Warnings {
		warnings = append(warnings, w.String())
	}
	text := strings.Join(warnings, "\n")
	for _, want := range []string{
		`line 4: the pattern "*@soc.example.com" lets this one key sign in every name that matches it`,
		"line 4: expires on 2026-03-20", "line 5: expired on 2026-03-01", "line 6: the key is revoked",
		`line 7: it is for namespaces other than "sentinelone-provisioner"`, "line 8: not valid before 2027-01-01",
		"line 2: the key serves carol@example.com, gina@example.com: in one request they count as one person",
		"line 3: the key serves bob@example.com, bob.admin@example.com: in one request they count as one person",
		"line 10: the RSA key has 2048 bits",
	} {
		require.Contains(t, text, want)
	}
	require.Len(t, warnings, 9, text)
}

// Every fault is named by its line. A file without a valid key is not fit for a worker.
func TestInspectSigners_Faults(t *testing.T) {
	t.Parallel()
	key := sshtest.New(t)
	got, err := InspectSigners(saved(t, "carol@example.com\ndave@example.com "+key.Public()+"\nerin@example.com "+
		"ssh-dss AAAA"), "", today)
	require.NoError(t, err)
	require.False(t, got.OK)
	require.Len(t, got.Faults, 2)
	require.Equal(t, 1, got.Faults[0].Line)
	require.Contains(t, got.Faults[0].Text, "it has no key")
	require.Equal(t, 3, got.Faults[1].Line)
	require.Len(t, got.Signers, 1)

	got, err = InspectSigners(saved(t, `dave@example.com valid-before="20260301Z" `+key.Public()), "", today)
	require.NoError(t, err)
	require.False(t, got.OK)
	require.Contains(t, got.Warnings[len(got.Warnings)-1].String(), "no key in it may sign now")

	got, err = InspectSigners(saved(t, "dave@example.com "+key.Public()), saved(t, "nonsense"), today)
	require.NoError(t, err)
	require.False(t, got.OK)
	require.Contains(t, got.Faults[0].Text, "line 1: it has no key")

	_, err = InspectSigners("/nonexistent/signers", "", today)
	require.ErrorContains(t, err, "/nonexistent/signers: cannot be read")
}

// A line that was added lets its name sign, to us and to OpenSSH, and nothing else changes.
func TestAddSigner(t *testing.T) {
	t.Parallel()
	key, there := sshtest.New(t), sshtest.New(t)
	for name, before := range map[string]string{
		"a new file": "", "comments": "# people\n", "no newline at the end": "bob@example.com " + there.Public(),
		"a newline at the end": "bob@example.com " + there.Public() + "\n",
	} {
		got, err := AddSigner([]byte(before), nil, NewSigner{
			By: "carol@example.com", Key: []byte(key.Public() + " carol's laptop\n"),
			ValidBefore: today.AddDate(0, 6, 0), Now: today,
		})
		require.NoError(t, err, name)
		require.True(t, strings.HasPrefix(string(got.Text), before), name)
		require.Equal(t, `carol@example.com namespaces="sentinelone-provisioner",valid-before="20260903140500Z" `+
			strings.TrimSpace(key.Public())+" carol's laptop", got.Added, name)
		require.Equal(t, got.Added, strings.Split(string(got.Text), "\n")[got.Line-1], name)
		require.Equal(t, key.Fingerprint(), got.Fingerprint)
		path := saved(t, string(got.Text))
		report, err := InspectSigners(path, "", today)
		require.NoError(t, err)
		require.True(t, report.OK, name)
		out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-Y", "match-principals", "-f", path,
			"-I", "carol@example.com").CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, "carol@example.com\n", string(out))
	}
}

func TestAddSigner_Refuses(t *testing.T) {
	t.Parallel()
	key, other := sshtest.New(t), sshtest.New(t)
	file := "bob@example.com " + key.Public() + "\n"
	fine := NewSigner{By: "carol@example.com", Key: []byte(other.Public()), Now: today}
	cases := map[string]struct {
		text, revoked string
		change        func(*NewSigner)
		want          string
	}{
		"a key of another name": {
			file, "", func(n *NewSigner) { n.Key = []byte(key.Public()) },
			"line 1 lets the key " + key.Fingerprint() + " sign for bob@example.com already: one key is one person",
		},
		"what is there": {"carol@example.com " + other.Public(), "", func(*NewSigner) {}, "there is nothing to add"},
		"a shorter time": {
			"carol@example.com " + other.Public(), "",
			func(n *NewSigner) { n.ValidBefore = today.AddDate(0, 1, 0) }, "there is nothing to add",
		},
		"a pattern": {file, "", func(n *NewSigner) { n.By = "*@example.com" }, "is not the name of one person"},
		"two names": {
			file, "", func(n *NewSigner) { n.By = "a@example.com,b@example.com" },
			"write the address alone",
		},
		"a blank":       {file, "", func(n *NewSigner) { n.By = "carol lind" }, "is not the name of one person"},
		"no name":       {file, "", func(n *NewSigner) { n.By = "" }, "the name is missing"},
		"a newline":     {file, "", func(n *NewSigner) { n.By = "carol\nmallory" }, "U+000A"},
		"a past end":    {file, "", func(n *NewSigner) { n.ValidBefore = today }, "would never be valid"},
		"a private key": {file, "", func(n *NewSigner) { n.Key = key.PEM(t, "") }, "holds a private key"},
		"two keys": {
			file, "", func(n *NewSigner) { n.Key = []byte(key.Public() + "\n" + other.Public()) },
			"several lines",
		},
		"no key":        {file, "", func(n *NewSigner) { n.Key = []byte("\n") }, "is empty"},
		"a revoked key": {file, other.Public(), func(*NewSigner) {}, "is revoked (line 1 of the file of revoked keys)"},
		"faults": {
			"carol@example.com\n", "", func(*NewSigner) {},
			"the file has faults; correct them first: line 1",
		},
	}
	for name, c := range cases {
		add := fine
		c.change(&add)
		_, err := AddSigner([]byte(c.text), []byte(c.revoked), add)
		require.ErrorContains(t, err, c.want, name)
	}
	add := fine
	add.Key, add.SamePerson = []byte(key.Public()), true
	got, err := AddSigner([]byte(file), nil, add)
	require.NoError(t, err, "the second name of the same person")
	require.Equal(t, 2, got.Line)
	require.Equal(t, strings.TrimSpace(file), got.Before)

	renewed, err := AddSigner([]byte(`carol@example.com valid-before="20260301Z" `+other.Public()+"\n"), nil, fine)
	require.NoError(t, err, "a key whose time is over may be added again")
	require.Equal(t, 2, renewed.Line)
}
