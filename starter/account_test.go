package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// named are the accounts of that name on the console.
func (l *live) named(kind access.Kind, name string) (out []access.Principal) {
	for _, p := range l.console.Truth().Principals {
		if p.Kind == kind && p.Name == name {
			out = append(out, p)
		}
	}
	return out
}

func createdUser(t *testing.T, l *live) { //nolint:thelper // a subtest
	create := []string{
		"user", "create", "--email", "dora@example.com", "--name", "Dora Lind", "--role", "SOC",
		"--scope", "Acme / Berlin",
	}
	planned := run(t, append(create, "--dry-run")...)
	require.Equal(t, exitDone, planned.code, planned.errOut)
	require.Regexp(t, `(?m)^what +create user dora@example.com with role SOC \(\d+\) at site Acme / Berlin \(\d+\)$`,
		planned.out)
	require.Regexp(t, `(?m)^result +the account would be created$`, planned.out)
	require.Empty(t, l.named(access.User, "Dora Lind"))

	got := run(t, append(create, "--id", "NEW-1", "--reason", "new hire")...)
	require.Equal(t, exitDone, got.code, got.errOut)
	there := l.named(access.User, "Dora Lind")
	require.Len(t, there, 1)
	require.True(t, l.holds(there[0], "SOC", "Acme / Berlin"))
	require.Contains(t, got.errOut, "requested: provision/NEW-1\n")
	require.Regexp(t, `(?m)^state +provisioned, created and verified$`, got.out)
	require.Regexp(t, `(?m)^created +user dora@example.com \(`+there[0].ID+`\)$`, got.out)

	shown := run(t, "show", "NEW-1")
	require.Equal(t, exitDone, shown.code, shown.errOut)
	require.Regexp(t, `(?m)create: write +POST /users: 200$`, shown.out)
	require.Regexp(t, `(?m)^created +user dora@example.com`, shown.out)
	require.Regexp(t, `(?m)^reason +new hire$`, shown.out)

	again := decode[requestAnswer](t, run(t, append(create, "-o", "json")...))
	require.Equal(t, wire.StateProvisioned, again.State)
	require.Equal(t, access.AlreadyHeld, again.Result.Outcome)

	create[7] = "Admin"
	other := run(t, create...)
	require.Equal(t, exitFailed, other.code)
	require.Contains(t, other.errOut, "by principal id "+there[0].ID)

	for _, wrong := range [][]string{
		{"--email", "dora", "--name", "Dora", "--role", "SOC", "--scope", "tenant"},
		{"--email", "dora@example.com", "--role", "SOC", "--scope", "tenant"},
		{"--email", "dora@example.com", "--name", "Dora", "--scope", "tenant"},
	} {
		require.Equal(t, exitUsage, run(t, append([]string{"user", "create"}, wrong...)...).code, "%v", wrong)
	}
}

func createdServiceUser(t *testing.T, l *live) { //nolint:thelper // a subtest
	create := []string{
		"service-user", "create", "--name", "svc.new", "--description", "builds", "--role", "SOC",
		"--scope", "Acme / Berlin", "--token-until", "9000h",
	}
	got := run(t, create...)
	require.Equal(t, exitDone, got.code, got.errOut)
	there := l.named(access.ServiceUser, "svc.new")
	require.Len(t, there, 1)
	token := l.console.ServiceUserToken(there[0].ID)
	path := filepath.Join(l.host, there[0].ID+".token")
	kept, err := os.ReadFile(filepath.Join(l.tokens, path))
	require.NoError(t, err)
	require.Equal(t, token, string(kept))
	require.Contains(t, got.out, path+" in the worker's SERVICE_USER_TOKEN_DIR, expires at ")
	require.NotContains(t, got.out+got.errOut, token)

	twice := run(t, create...)
	require.Equal(t, exitFailed, twice.code)
	require.Contains(t, twice.errOut, there[0].ID)
	require.Equal(t, exitUsage, run(t, create[:len(create)-2]...).code, "a token must end")
	require.Equal(t, exitUsage, run(t, append(create[:len(create)-1], "2020-01-01")...).code)

	unasked := run(t, "service-user", "retire", "svc.new")
	require.Equal(t, exitUsage, unasked.code)
	require.Contains(t, unasked.errOut, "pass --yes")
	retired := decode[requestAnswer](t, run(t, "service-user", "retire", "svc.new", "--yes", "-o", "json"))
	require.Equal(t, wire.StateOffboarded, retired.State)
	require.Equal(t, access.Deleted, retired.Result.Outcome)
	require.Empty(t, l.named(access.ServiceUser, "svc.new"))
}

// A token is replaced once another person has approved it, and goes to the worker's sink. Roles stay.
func rotatedToken(t *testing.T, l *live) { //nolint:thelper // a subtest
	create := []string{
		"service-user", "create", "--name", "svc.rotated", "--role", "SOC", "--scope", "Acme / Berlin",
		"--token-until", "9000h",
	}
	require.Equal(t, exitDone, run(t, create...).code)
	before := l.named(access.ServiceUser, "svc.rotated")[0]
	old, path := l.console.ServiceUserToken(before.ID), filepath.Join(l.host, before.ID+".token")
	rotate := []string{"service-user", "rotate", "svc.rotated", "--token-until", "90d"}

	planned := run(t, append(rotate, "--dry-run")...)
	require.Equal(t, exitDone, planned.code, planned.errOut)
	require.Regexp(t, `(?m)^approval +1 approval from anyone, within 72h \(rule "tokens"\)$`, planned.out)
	require.Contains(t, planned.out, "the token that is in use now is void at once")
	unasked := run(t, rotate...)
	require.Equal(t, exitUsage, unasked.code)
	require.Contains(t, unasked.errOut, "pass --yes")
	for _, wrong := range [][]string{
		rotate[:3:3], append(rotate[:4:4], "2020-01-01"), append(rotate, "--id", "grant/X"),
	} {
		require.Equal(t, exitUsage, run(t, append(wrong, "--yes")...).code, "%v", wrong)
	}
	require.Equal(t, old, l.console.ServiceUserToken(before.ID), "nothing is approved")

	code, out, errOut := decidedMeanwhile(t, []string{"approve", "ROT-1", "--by", "carol@example.com", "--yes"},
		append(rotate, "--yes", "--id", "ROT-1")...)
	require.Equal(t, exitDone, code, errOut)
	require.Regexp(t, `(?m)^state +rotated, new API token made and verified, the old one is void$`, out)
	require.Contains(t, out, path+" in the worker's SERVICE_USER_TOKEN_DIR, expires at ")
	token := l.console.ServiceUserToken(before.ID)
	require.NotEqual(t, old, token)
	kept, err := os.ReadFile(filepath.Join(l.tokens, path))
	require.NoError(t, err)
	require.Equal(t, token, string(kept))
	require.NotContains(t, out+errOut, token)
	require.Equal(t, before.Holdings(), l.named(access.ServiceUser, "svc.rotated")[0].Holdings())

	missing := run(t, "service-user", "rotate", "svc.nobody", "--token-until", "90d", "--yes")
	require.Equal(t, exitFailed, missing.code)
	require.Contains(t, missing.errOut, "svc.nobody")
}

func offboardedUser(t *testing.T, l *live) { //nolint:thelper // a subtest
	p := l.person("leaver@example.com")
	planned := run(t, "offboard", "--user", "leaver@example.com", "--delete", "--dry-run")
	require.Equal(t, exitDone, planned.code, planned.errOut)
	require.Regexp(t, `(?m)^what +delete user leaver@example.com`, planned.out)
	require.Regexp(t, `(?m)^loses +Viewer \(\d+\) at site Acme / Only Acme`, planned.out)

	base := decode[requestAnswer](t, run(t, "offboard", "--user", p.ID, "--baseline-role", "SOC",
		"--baseline-scope", "Acme", "--baseline-level", "account", "--yes", "-o", "json"))
	require.Equal(t, access.Applied, base.Result.Outcome)
	now := l.named(access.User, p.Name)[0]
	require.Equal(t, access.Holdings{
		Level: access.AccountLevel, Held: []access.HeldRole{{RoleID: l.roles["SOC"], ScopeID: l.accounts["Acme"]}},
	}, now.Holdings())

	gone := run(t, "offboard", "--user", "leaver@example.com", "--delete", "--yes", "--id", "HR-7")
	require.Equal(t, exitDone, gone.code, gone.errOut)
	require.Regexp(t, `(?m)^state +offboarded, deleted and verified \(2 reads\)$`, gone.out)
	require.Empty(t, l.named(access.User, p.Name))

	for _, wrong := range [][]string{
		{"--user", "leaver@example.com", "--yes"},
		{"--delete", "--yes"},
		{"--user", "x@example.com", "--delete", "--baseline-role", "SOC", "--yes"},
		{"--user", "x@example.com", "--baseline-role", "SOC", "--yes"},
	} {
		require.Equal(t, exitUsage, run(t, append([]string{"offboard"}, wrong...)...).code, "%v", wrong)
	}
}

// A request for an account that waits for its console can be cancelled.
func calledOffUser(t *testing.T, l *live) { //nolint:thelper // a subtest
	site, err := l.console.AddSite(access.Site{Name: "Slow", AccountID: l.accounts["Globex"]})
	require.NoError(t, err)
	l.console.AddFault(consoletest.Fault{
		Name: consoletest.Slow, Path: "/sites/" + site, Method: http.MethodGet, Times: 1, Delay: 50 * time.Second,
	})
	asked := run(t, "user", "create", "--email", "erik@example.com", "--name", "Erik", "--role", "SOC",
		"--scope", site, "--level", "site", "--id", "NEW-2", "--wait=false")
	require.Equal(t, exitDone, asked.code, asked.errOut)
	off := run(t, "cancel", "NEW-2", "--by", "carol@example.com")
	require.Equal(t, exitDone, off.code, off.errOut)
	require.Equal(t, "cancelled by carol@example.com: provision/NEW-2\n", off.out)
	require.Empty(t, l.named(access.User, "Erik"))
}

func TestAgree(t *testing.T) {
	t.Parallel()
	for said, agreed := range map[string]bool{
		"yes\n": true, " YES \n": true, "y\n": false, "\n": false, "": false, "no\n": false, "yes, but\n": false,
	} {
		var out strings.Builder
		p := &app{in: strings.NewReader(said), err: &out}
		require.Equal(t, agreed, p.confirm("Carry it out?") == nil, "%q", said)
		require.Contains(t, out.String(), "Type yes")
	}
}
