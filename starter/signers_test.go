//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/signing"
	"sentinelone-provisioner/internal/sshtest"
)

// publicKeyFile saves the public half of a key, as ssh-keygen does.
func publicKeyFile(t *testing.T, key sshtest.Key) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "id.pub")
	require.NoError(t, os.WriteFile(path, []byte(strings.TrimSpace(key.Public())+" laptop\n"), 0o600))
	return path
}

// A first signer makes the file; a second is appended, and the file keeps its mode.
func TestSignersAdd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allowed_signers")
	environ(t, map[string]string{"ALLOWED_SIGNERS": file})
	carol, bob := sshtest.New(t), sshtest.New(t)
	dry := run(t, "signers", "add", "--by", "carol@example.com", "--key", publicKeyFile(t, carol), "--dry-run")
	require.Equal(t, exitDone, dry.code, dry.errOut)
	require.NoFileExists(t, file)
	require.Contains(t, dry.errOut, "nothing was changed")

	got := run(t, "signers", "add", "--by", "carol@example.com", "--key", publicKeyFile(t, carol),
		"--valid-before", "365d")
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `\n\+carol@example.com namespaces="sentinelone-provisioner",valid-before="\d{14}Z" `+
		`ssh-ed25519 \S+ laptop\n$`, got.out)
	require.Contains(t, got.out, file+", line 1:")
	require.NoError(t, os.Chmod(file, 0o640))

	added := decode[signersAdded](t,
		run(t, "signers", "add", "--by", "bob@example.com", "--key", publicKeyFile(t, bob), "-o", "json"))
	require.Equal(t, 2, added.Line)
	require.True(t, added.Written)
	require.Equal(t, bob.Fingerprint(), added.Fingerprint)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o640), info.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary file is left")

	report := decode[signing.SignersReport](t, run(t, "signers", "check", "-o", "json"))
	require.True(t, report.OK)
	require.Len(t, report.Signers, 2)
	require.Equal(t, []string{"bob@example.com"}, report.Signers[1].Names)
}

// A key is one person: another name gets it only if the caller says that it is the same.
func TestSignersAdd_Refuses(t *testing.T) {
	key := sshtest.New(t)
	file := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(file, []byte("bob@example.com "+key.Public()+"\n"), 0o600))
	environ(t, map[string]string{})
	pub := publicKeyFile(t, key)
	before, err := os.ReadFile(file)
	require.NoError(t, err)

	got := run(t, "signers", "add", "--by", "carol@example.com", "--key", pub, "--file", file)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "sign for bob@example.com already: one key is one person")
	require.Contains(t, got.errOut, "pass --same-person")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)
	require.Equal(t, exitDone,
		run(t, "signers", "add", "--by", "carol@example.com", "--key", pub, "--file", file, "--same-person").code)

	require.Equal(t, exitUsage, run(t, "signers", "add", "--by", "carol@example.com", "--file", file).code)
	require.Equal(t, exitUsage, run(t, "signers", "add", "--by", "carol@example.com", "--key", pub).code, "no file")
}

// Somebody else's edit is not lost.
func TestReplaceFile_ChangedMeanwhile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allowed_signers")
	require.NoError(t, os.WriteFile(file, []byte("theirs"), 0o600))
	require.ErrorContains(t, replaceFile(file, []byte("before"), []byte("ours")), "was changed meanwhile")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "theirs", string(text))

	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(file, link))
	require.NoError(t, replaceFile(link, []byte("theirs"), []byte("ours")))
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "ours", string(text))
}

func TestSignersCheck(t *testing.T) {
	shared, old := sshtest.New(t), sshtest.New(t)
	file := filepath.Join(t.TempDir(), "allowed_signers")
	write := func(lines ...string) {
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600))
	}
	environ(t, map[string]string{})
	write("bob@example.com,*@soc.example.com "+shared.Public(),
		`dave@example.com valid-before="20200101Z" `+old.Public())
	got := run(t, "signers", "check", file)
	require.Equal(t, exitDone, got.code, got.errOut)
	require.Regexp(t, `(?m)^1 +bob@example.com, \*@soc.example.com +SHA256:\S+ +ssh-ed25519 +no end +valid$`, got.out)
	require.Regexp(t, `(?m)^2 +dave@example.com +SHA256:\S+ +ssh-ed25519 +2020-01-01 00:00:00 UTC +expired$`, got.out)
	require.Contains(t, got.errOut, `warning: line 1: the pattern "*@soc.example.com" lets this one key sign`)
	require.Contains(t, got.errOut, "in one request they count as one person")
	require.Contains(t, got.errOut, "warning: line 2: expired on 2020-01-01")

	write("bob@example.com "+shared.Public(), "carol@example.com")
	got = run(t, "signers", "check", file, "-o", "json")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "line 2: it has no key")
	require.Equal(t, 2, decode[signing.SignersReport](t, got).Faults[0].Line)

	write(`dave@example.com valid-before="20200101Z" ` + old.Public())
	got = run(t, "signers", "check", file)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "has no key that may sign now")

	require.Equal(t, exitUsage, run(t, "signers", "check").code)
	require.Equal(t, exitFailed, run(t, "signers", "check", file+".none").code)
}
