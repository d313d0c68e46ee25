//nolint:thelper // subtests have names of their own
package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/wire"
)

// onDecision calls back once, when a word is written; the writer waits for it.
type onDecision struct {
	bytes.Buffer

	word string
	once sync.Once
	then func()
}

func (o *onDecision) Write(p []byte) (int, error) {
	n, err := o.Buffer.Write(p)
	if strings.Contains(o.String(), o.word) {
		o.once.Do(o.then)
	}
	return n, err
}

const waitsForAnyone = "waiting for 1 of 1 from anyone until "

// decidedMeanwhile runs a command that waits for consent, and decides once it says so.
func decidedMeanwhile(t *testing.T, decision []string, args ...string) (code int, out, errOut string) {
	var stdout bytes.Buffer
	var decided ran
	stderr := &onDecision{word: waitsForAnyone, then: func() { decided = run(t, decision...) }}
	code = Main(t.Context(), args, &stdout, stderr)
	require.Equal(t, exitDone, decided.code, "%s\n%s", decided.errOut, stderr.String())
	return code, stdout.String(), stderr.String()
}

// A grant that others must consent to says whom it waits for and what they type, and ends
// as they decide.
func consentedGrant(t *testing.T, l *live) {
	ana := l.person("asked.yes@example.com")
	grant := []string{"grant", "--user", "asked.yes@example.com", "--role", "SOC", "--scope", "Acme / Berlin"}
	dry := run(t, append(grant, "--dry-run")...)
	require.Equal(t, exitDone, dry.code, dry.errOut)
	require.Regexp(t, `(?m)^approval +1 approval from anyone, within 72h \(rule "ask"\)$`, dry.out)

	code, out, errOut := decidedMeanwhile(t, []string{"approve", "ASK-1", "--by", "carol@example.com", "--yes"},
		append(grant, "--id", "ASK-1")...)
	require.Equal(t, exitDone, code, errOut)
	require.Regexp(t, `(?m)^waiting for 1 of 1 from anyone until \S+ \S+ UTC: `+
		"others decide with `starter approve ASK-1` or `starter deny ASK-1`$", errOut)
	require.Contains(t, out, "\nstate    granted, applied and verified\n")
	require.True(t, l.holds(ana, "SOC", "Acme / Berlin"))
}

// A no is no success: scripts must see it.
func deniedGrant(t *testing.T, l *live) {
	ana := l.person("asked.no@example.com")
	code, out, errOut := decidedMeanwhile(t,
		[]string{"deny", "ASK-2", "--by", "carol@example.com", "--comment", "not this week", "--yes"},
		"grant", "--user", "asked.no@example.com", "--role", "SOC", "--scope", "Acme / Berlin", "--id", "ASK-2")
	require.Equal(t, exitFailed, code, out)
	require.Contains(t, errOut, "error: denied by carol@example.com: not this week\n")
	require.False(t, l.holds(ana, "SOC", "Acme / Berlin"))
}

// Lines of a file wait too, and say so.
func consentedFile(t *testing.T, l *live) {
	ana := l.person("asked.file@example.com")
	file := filepath.Join(t.TempDir(), "access.csv")
	require.NoError(t, os.WriteFile(file, []byte("action,kind,principal,role,level,scope,duration,reason,id\n"+
		"grant,user,asked.file@example.com,SOC,site,Acme / Berlin,,,ASK-3\n"), 0o600))
	code, out, errOut := decidedMeanwhile(t, []string{"approve", "ASK-3", "--by", "carol@example.com", "--yes"},
		"apply", "-f", file)
	require.Equal(t, exitDone, code, errOut)
	require.Contains(t, errOut, "line 2: "+waitsForAnyone)
	require.Contains(t, out, wire.StateGranted)
	require.True(t, l.holds(ana, "SOC", "Acme / Berlin"))
}
