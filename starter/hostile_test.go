//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/wire"
)

// hostile is a name that sets a terminal's title, clears it, turns text around, hides, and
// begins lines of its own.
const hostile = "x\x1b]0;owned\a\x1b[2J\u202eevil\u200b\u2066\u009b2J\nerror: forged\rforged\u2028forged"

// requireSafe says that a terminal only shows the text, and that no line of it is the name's.
func requireSafe(t *testing.T, what, text string) {
	t.Helper()
	require.Equal(t, describe.Lines(text), text, what)
	for line := range strings.Lines(text) {
		require.False(t, strings.HasPrefix(line, "forged") || strings.HasPrefix(line, "error: forged"),
			"%s: %q", what, line)
	}
}

// TestHostileNames runs the commands against a console whose users, roles, accounts and
// sites have hostile names, with a request for a hostile reason, and with hostile arguments.
func TestHostileNames(t *testing.T) { //nolint:funlen // a long list of commands
	l := newLive(t, func(l *live) {
		must := func(id string, err error) string { l.t.Helper(); require.NoError(l.t, err); return id }
		account := must(l.console.AddAccount(access.Account{Name: "Acme" + hostile}))
		for range 2 {
			l.sites["evil"] = must(l.console.AddSite(access.Site{Name: "Site" + hostile, AccountID: account}))
			l.roles["evil"] = must(l.console.AddRole(access.Role{
				Name: "Role" + hostile, Scope: access.AccountLevel, ScopeID: account,
			}))
			must(l.console.AddServiceUser(access.Principal{
				Kind: access.ServiceUser, Name: "svc" + hostile,
				Level: access.SiteLevel, Held: l.viewer("Acme / Berlin"),
			}))
		}
		must(l.console.AddUser(access.Principal{
			Kind: access.User, Email: "asked." + hostile + "@example.com", Name: "Eve" + hostile,
			Level: access.SiteLevel, Held: []access.HeldRole{{RoleID: l.roles["evil"], ScopeID: l.sites["evil"]}},
		}))
	})
	l.sync("one")
	user := ""
	for _, p := range l.console.Truth().Principals {
		if strings.HasPrefix(p.Email, "asked.") {
			user = p.ID
		}
	}
	start := func(id string, in wire.GrantInput) client.WorkflowRun {
		run, err := l.client.ExecuteWorkflow(t.Context(),
			client.StartWorkflowOptions{ID: id, TaskQueue: "sentinelone"}, wire.GrantType, in)
		require.NoError(t, err)
		return run
	}
	in := wire.GrantInput{
		Principal: access.PrincipalSelector{Kind: access.User, ID: user}, Role: access.RoleSelector{Name: "Viewer"},
		Scope:     access.ScopeSelector{Level: access.SiteLevel, ID: l.sites["evil"]},
		Requester: "bob@example.com", Reason: "INC-1" + hostile,
	}
	start("grant/EVIL", in)
	in.Requester = "bob" + hostile
	require.ErrorContains(t, start("grant/REFUSED", in).Get(t.Context(), nil), "requester contains U+001B")

	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	quoted := strings.NewReplacer("\x1b", `\u001b`, "\a", `\u0007`, "\n", `\n`, "\r", `\r`).Replace(hostile)
	rows := file("rows.json", `[{"action":"grant","principal":"a`+quoted+`@x.com","role":"R`+quoted+`",`+
		`"scope":"S`+quoted+`",
		"level":"site","duration":"4h","reason":"`+quoted+`","id":"`+quoted+`"},`+
		`{"action":"`+quoted+`","kind":"`+quoted+`"}]`)
	policyFile := file("policy.yaml", `{groups: {"`+quoted+`": ["`+quoted+`"]}, `+
		`rules: [{name: "`+quoted+`", when: "`+quoted+`"}]}`)
	request := `{"op":"grant","requester":"bob","principal":{"kind":"user","id":"7","email":"` + quoted + `"},` +
		`"role":{"id":"2","name":"` + quoted + `"},"scope":{"level":"tenant"}}`
	goodPolicy := file("good\x1b]0;x\a\u202e.yaml", `{rules: [{name: "rule`+quoted+`", `+
		`permanent: true, approvals: [{need: 1, from: [anyone]}]}]}`)
	receipt := file("receipt.json", `{"request":"`+quoted+`","state":"`+quoted+`",`+
		`"plan":{"terms":{"requester":"`+quoted+`"}},"decisions":[{"by":"`+quoted+`"}]}`)
	signers := file("signers", "bob"+strings.ReplaceAll(hostile, "\n", "")+" ssh-ed25519 AAAA\n")

	said := map[bool]bool{}
	for _, args := range [][]string{
		{"check"},
		{"status"},
		{"status", "--id", hostile},
		{"access"},
		{"access", "--role", "Role"},
		{"access", "--user", "Eve"},
		{"access", "--user", hostile},
		{"access", "--scope", "Site" + hostile},
		{"changes", "--since", "1h"},
		{"logs"},
		{"logs", "--sync", hostile},
		{"requests"},
		{"requests", "--open"},
		{"requests", "--waiting-for", "carol@example.com"},
		{"requests", "--waiting-for", hostile},
		{"show", "EVIL"},
		{"show", "REFUSED"},
		{"show", "grant/\u202eevil\u200b"},
		{"show", hostile},
		{"cancel", hostile},
		{"end", hostile},
		{"extend", hostile, "--for", "1h"},
		{"end", "EVIL"},
		{"extend", "EVIL", "--for", "1h"},
		{"end", "EVIL", "--by", hostile},
		{"grant", "--user", user, "--role", "Role" + hostile, "--scope", "tenant", "--reason", hostile, "--wait"},
		{"grant", "--user", user, "--role", "Role", "--scope", "tenant", "--wait"},
		{"grant", "--user", user, "--role", "Viewer", "--scope", "Site" + hostile, "--level", "site", "--wait"},
		{"grant", "--user", user, "--role", "Viewer", "--scope", "Site", "--level", "site", "--wait"},
		{"grant", "--user", "asked.x@example.com", "--role", "Viewer", "--scope", "tenant", "--wait"},
		{"grant", "--user", "ana@example.com", "--role", "Viewer", "--scope", "tenant", "--requester", hostile},
		{"grant", "--user", "ana@example.com", "--role", "Viewer", "--scope", "tenant", "--id", hostile},
		{
			"revoke", "--user", user, "--role", "Role" + hostile, "--scope", "Site" + hostile,
			"--level", "site", "--wait",
		},
		{"revoke", "--service-user", "svc" + hostile, "--role", "Viewer", "--scope", "tenant", "--wait"},
		{"offboard", "--user", user, "--delete", "--dry-run"},
		{"service-user", "retire", "svc" + hostile, "--dry-run"},
		{"service-user", "rotate", "svc" + hostile, "--token-until", "9000h", "--dry-run"},
		{"user", "create", "--email", hostile, "--name", hostile, "--role", "Viewer", "--scope", "tenant"},
		{"apply", rows},
		{"policy", "check", policyFile},
		{"policy", "check", goodPolicy},
		{"policy", "explain", goodPolicy, "--request", request},
		{"policy", "explain", "--request", hostile},
		{"policy", "test", goodPolicy, "--all"},
		{"verify", receipt},
		{"verify", hostile},
		{"ledger", "verify"},
		{"delegate", "--to", hostile, "--for", "1h"},
		{"delegate", "list"},
		{"schedule", "show", "--id", hostile},
		{"signers", "check", signers},
		{"keys", "impact", hostile},
		{"confirm"},
		{"confirm", "--id", hostile},
		{"deny", "EVIL", "--by", "carol@example.com", "--comment", hostile, "--yes"},
		{"approve", "EVIL", "--by", "carol@example.com", "--yes"},
		{"show", "EVIL"},
		{"approve", hostile, "--yes"},
		{hostile},
		{"grant", "--" + hostile},
		{"access", "-o", hostile},
	} {
		what := strings.Join(args, " ")
		got := run(t, args...)
		requireSafe(t, "output of "+what, got.out)
		requireSafe(t, "errors of "+what, got.errOut)
		said[got.code == exitDone] = true
		if got = run(t, append(args, "-o", "json")...); got.code == exitDone {
			requireSafe(t, "JSON of "+what, got.out)
		}
	}
	require.Len(t, said, 2, "some commands succeed and some fail")
	require.Contains(t, run(t, "show", "EVIL").out, `\x1b]0;owned\x07`, "the name is shown, escaped")
}

// TestComplain_Lines keeps a message of several lines apart from messages of its own.
func TestComplain_Lines(t *testing.T) {
	var out strings.Builder
	p := &app{err: &out}
	p.complain(errors.Join(errors.New("one\x1b[2J\nerror: forged"), errors.New("two\u202e")))
	require.Equal(t, "error: one\\x1b[2J\n  error: forged\nerror: two\\u202e\n", out.String())
}

// TestOutput_PassesOneFunction looks for prints that go around [writef] and [cells].
func TestOutput_PassesOneFunction(t *testing.T) {
	allowed := map[string]int{
		"app_output.go": 2, "app_errors.go": 1,
		"app_passphrase.go": 1, "root.go": 2, // the last two print no text of others
		"show.go": 1, "status.go": 3, // empty lines
		"ledger_verify_known.go": 1, // a script that needs exact bytes, of the ledger's own key and head
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		found := 0
		ast.Inspect(f, func(n ast.Node) bool {
			if s, is := n.(*ast.SelectorExpr); is {
				if pkg, is := s.X.(*ast.Ident); is && pkg.Name == "fmt" &&
					(strings.HasPrefix(s.Sel.Name, "Fprint") || strings.HasPrefix(s.Sel.Name, "Print")) {
					found++
				}
			}
			return true
		})
		require.Equal(t, allowed[name], found, "%s prints with fmt: use writef, remark or emitTable", name)
	}
}

// TestPeopleReadSafeText is about remarks, prompts and the progress of a sync.
func TestPeopleReadSafeText(t *testing.T) {
	var out strings.Builder
	p := &app{err: &out, out: &out, in: strings.NewReader("no\n")}
	p.remark("note: %s, %v", hostile, errors.New(hostile))
	require.Error(t, p.confirm("Approve "+hostile+"?"))
	show := &lines{w: &out, last: map[access.Collection]progressKey{}}
	show.show(pendingObservation{trouble: hostile})
	show.show(pendingObservation{status: &wire.SyncStatus{
		State: hostile, Waiting: hostile,
		Collections: map[string]wire.CollectionStatus{"users": {State: hostile, Waiting: hostile}},
	}})
	p.conclude(startedRun{WorkflowID: "sync/x"}, pendingObservation{over: true, result: &wire.SyncResult{
		State: hostile, Warnings: []string{hostile}, Counts: map[string]int{hostile: 1},
	}})
	p.explainQuarantine(hostile, wire.Quarantine{Reasons: []string{hostile}})
	p.complain(errors.New(hostile))
	requireSafe(t, "all", out.String())
	require.GreaterOrEqual(t, strings.Count(out.String(), `x\x1b]0;owned\x07`), 10)
}
