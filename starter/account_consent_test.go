package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/wire"
)

// A new user that others must consent to says whom it waits for and what they type, is
// listed among what waits for them, and ends as they decide.
func consentedUser(t *testing.T, l *live) { //nolint:thelper // a subtest
	create := []string{
		"user", "create", "--email", "asked.new@example.com", "--name", "Asked New", "--role", "SOC",
		"--scope", "Acme / Berlin",
	}
	dry := run(t, append(create, "--dry-run")...)
	require.Equal(t, exitDone, dry.code, dry.errOut)
	require.Regexp(t, `(?m)^approval +1 approval from anyone, within 72h \(rule "ask"\)$`, dry.out)

	asked := run(t, append(create, "--id", "NEW-7", "--wait=false")...)
	require.Equal(t, exitDone, asked.code, asked.errOut)
	listed := answers(t, `provision/NEW-7`, "requests", "--waiting-for", "carol@example.com")
	require.Regexp(t, `(?m)provision/NEW-7 .*0 of 1 from anyone`, listed.out)
	for _, who := range []string{"bob@example.com", "asked.new@example.com"} {
		none := run(t, "requests", "--waiting-for", who)
		require.NotContains(t, none.out, "NEW-7", who)
		require.Equal(t, exitFailed, run(t, "approve", "NEW-7", "--by", who, "--yes").code, who)
	}
	shown := run(t, "show", "NEW-7")
	require.Regexp(t, `pending for anyone but bob@example.com and asked.new@example.com; 0 of 1 approvals`, shown.out)
	require.Empty(t, l.named(access.User, "Asked New"))
	off := run(t, "cancel", "NEW-7", "--by", "bob@example.com")
	require.Equal(t, exitDone, off.code, off.errOut)
	require.Empty(t, l.named(access.User, "Asked New"))

	code, out, errOut := decidedMeanwhile(t, []string{"approve", "NEW-8", "--by", "carol@example.com", "--yes"},
		append(create, "--id", "NEW-8")...)
	require.Equal(t, exitDone, code, errOut)
	require.Regexp(t, `(?m)^waiting for 1 of 1 from anyone until \S+ \S+ UTC: `+
		"others decide with `starter approve provision/NEW-8` or `starter deny provision/NEW-8`$", errOut)
	require.Regexp(t, `(?m)^state +provisioned, created and verified$`, out)
	require.Len(t, l.named(access.User, "Asked New"), 1)
	shown = run(t, "show", "NEW-8")
	require.Regexp(t, `carol@example.com on .*: approve`, shown.out)
	receipt := filepath.Join(t.TempDir(), "receipt.json")
	require.NoError(t, os.WriteFile(receipt, []byte(run(t, "show", "NEW-8", "-o", "json").out), 0o600))
	verified := run(t, "verify", receipt)
	require.Equal(t, exitDone, verified.code, verified.errOut)
	require.Contains(t, verified.out, "1 of 1 from anyone: carol@example.com")
}

// A no is no success, and leaves no account and no token.
func deniedServiceUser(t *testing.T, l *live) { //nolint:thelper // a subtest
	code, out, errOut := decidedMeanwhile(t,
		[]string{"deny", "provision/NEW-9", "--by", "carol@example.com", "--comment", "use the other", "--yes"},
		"service-user", "create", "--name", "asked.ci", "--role", "SOC", "--scope", "Acme / Berlin",
		"--token-until", "9000h", "--id", "NEW-9")
	require.Equal(t, exitFailed, code, out)
	require.Contains(t, errOut, "error: denied by carol@example.com: use the other\n")
	require.Empty(t, l.named(access.ServiceUser, "asked.ci"))
	ended := decode[requestrecord.Row](t, run(t, "show", "NEW-9", "-o", "json"))
	require.Equal(t, wire.StateDenied, ended.State)
}
