//nolint:thelper // subtests have names of their own
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/wire"
)

// file writes a file of changes of the columns that matter here.
func file(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "access.csv")
	text := "action,principal,role,scope,duration,id\n" + strings.Join(lines, "\n") + "\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// results decodes one object a line, by line of the file.
func results(t *testing.T, r ran) map[int]lineResult {
	t.Helper()
	out := map[int]lineResult{}
	for line := range strings.Lines(r.out) {
		var one lineResult
		require.NoError(t, json.Unmarshal([]byte(line), &one), line)
		out[one.Line] = one
	}
	return out
}

func appliedFile(t *testing.T, l *live) {
	ana, carol := l.person("file.ana@example.com"), l.person("file.carol@example.com")
	path := file(t,
		"grant,file.ana@example.com,SOC,Acme / Berlin,,",
		"grant,file.carol@example.com,SOC,Acme / Berlin,1h,FILE-1",
		"grant,file.ana@example.com,Viewer,Globex / Berlin,,", // she must hold it when the next line runs
		"revoke,file.ana@example.com,Viewer,Acme / Only Acme,,",
	)
	got := run(t, "apply", "-f", path, "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut+got.out)
	first := results(t, got)
	require.Len(t, first, 4)
	for line, want := range map[int]string{
		2: wire.StateGranted, 3: wire.StateActive, 4: wire.StateGranted, 5: wire.StateRevoked,
	} {
		require.Equal(t, want, first[line].State)
		require.True(t, first[line].OK)
		require.False(t, first[line].Already)
	}
	require.Equal(t, "grant/FILE-1", first[3].ID)
	require.NotNil(t, first[3].EndsAt)
	require.True(t, l.holds(ana, "SOC", "Acme / Berlin"))
	require.False(t, l.holds(ana, "Viewer", "Acme / Only Acme"))
	require.True(t, l.holds(carol, "SOC", "Acme / Berlin"))

	again := run(t, "apply", "-f", path, "--requester", "carol@example.com")
	require.Equal(t, exitDone, again.code, again.errOut)
	require.Regexp(t,
		`(?m)^2 +grant +file.ana@example.com +SOC +Acme / Berlin +grant/apply-\w+ +already done: granted, on `,
		again.out)
	require.Regexp(t, `(?m)^3 +grant .* grant/FILE-1 +already active until `, again.out)
	require.Regexp(t, `(?m)^5 +revoke .* already done: revoked, on `, again.out)
	require.Contains(t, again.errOut, "4 of 4 lines done\n")

	path = file(t, "grant,file.ana@example.com,SOC,Acme / Berlin,,")
	anew := results(t, run(t, "apply", "-f", path, "--batch", "2", "-o", "json"))
	require.False(t, anew[2].Already)
	require.Equal(t, access.AlreadyHeld, anew[2].Outcome)
	require.Equal(t, exitDone, run(t, "end", "FILE-1").code)
}

// What a spreadsheet leaves in a file changes nothing: rows of empty cells, other spellings of fixed words,
// semicolons, a byte order mark. One request for an address in another case is one request.
func appliedFileOfASpreadsheet(t *testing.T, l *live) {
	ana := l.person("sheet.ana@example.com")
	path := filepath.Join(t.TempDir(), "access.csv")
	write := func(lines ...string) {
		require.NoError(t, os.WriteFile(path, []byte("\ufeff"+strings.Join(lines, "\r\n")+"\r\n"), 0o600))
	}
	const header = "Action;Kind;Principal;Role;Level;Scope;Duration;;"
	write(header, ";;;;;;;;", " GRANT ;User;Sheet.Ana@example.com;SOC; Site ;Acme / Berlin;;;", ";;;;;;;;", ";;;")
	got := run(t, "apply", "-f", path, "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut+got.out)
	require.Equal(t, wire.StateGranted, results(t, got)[3].State)
	require.True(t, l.holds(ana, "SOC", "Acme / Berlin"))

	write(header, "grant;;sheet.ana@example.com;SOC;site;Acme / Berlin;;;")
	require.True(t, results(t, run(t, "apply", "-f", path, "-o", "json"))[2].Already)
	write(header, "grant;;sheet.ana@example.com;SOC;site;Acme / Berlin;;;",
		"Grant;;SHEET.ANA@EXAMPLE.COM;SOC;Site;Acme / Berlin;;;")
	got = run(t, "apply", "-f", path)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.errOut, "line 3: same request as line 2")
}

// A file in another encoding is refused before anything runs: Temporal is not even looked for.
func TestApply_OtherEncodings(t *testing.T) {
	newFixture(t)
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	for _, name := range []string{"M\xfcller", "M\x9fller", "M\ufffdller"} {
		path := file(t, "grant,ana@example.com,SOC,Acme / Berlin,,", "grant,"+name+"@example.com,SOC,Acme / Berlin,,")
		got := run(t, "apply", "-f", path, "--requester", "bob@example.com")
		require.Equal(t, exitUsage, got.code, got.errOut)
		require.Contains(t, got.errOut, "line 3: ")
		require.Contains(t, got.errOut, `save the file as UTF-8 and apply it again (Excel: "CSV UTF-8 `)
		require.NotContains(t, got.errOut, "127.0.0.1")
	}
}

// A line with several scopes is one request, with an outcome at each of them.
func appliedFileScopes(t *testing.T, l *live) {
	ana := l.person("file.scopes@example.com")
	path := file(t, "grant,file.scopes@example.com,Viewer,Acme / Only Acme; Acme / Berlin;Globex / Berlin,,")
	for _, already := range []bool{false, true} {
		got := run(t, "apply", "-f", path, "-o", "json")
		require.Equal(t, exitDone, got.code, got.errOut+got.out)
		line := results(t, got)[2]
		require.Equal(t, already, line.Already)
		require.Equal(t, []access.ScopeOutcome{
			{ScopeID: l.sites["Acme / Only Acme"], Outcome: access.AlreadyHeld},
			{ScopeID: l.sites["Acme / Berlin"], Outcome: access.Applied},
			{ScopeID: l.sites["Globex / Berlin"], Outcome: access.Applied},
		}, line.Outcomes)
		require.True(t, l.holds(ana, "Viewer", "Globex / Berlin"))
	}
	moved := file(t, "grant,file.scopes@example.com,Viewer,Globex / Berlin;Acme / Berlin; Acme / Only Acme,,")
	again := run(t, "apply", "-f", moved)
	require.Regexp(t, `(?m)^2 +grant .* already done: granted \(site Acme / Only Acme \(\d+\): no change: .*; `+
		`site Acme / Berlin \(\d+\): applied and verified; .*\), on `, again.out)
}

func appliedFileStops(t *testing.T, l *live) {
	path := file(t,
		"grant,stops.ana@example.com,SOC,Acme / Berlin,,", // is not there yet
		"grant,stops.ana@example.com,Viewer,Acme / Berlin,,",
	)
	got := run(t, "apply", "-f", path)
	require.Equal(t, exitFailed, got.code)
	require.Regexp(t, `(?m)^2 +grant .* failed, no user "stops.ana@example.com" is on the console`, got.out)
	require.NotContains(t, got.out, "\n3 ")
	require.Contains(t, got.errOut, "error: 1 line failed, so 1 line was not started; run the same command again")

	got = run(t, "apply", "-f", path, "--continue-on-error", "--parallel", "1")
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.errOut, "error: 2 lines failed; run the same command again to continue")
	require.Contains(t, got.errOut, "0 of 2 lines done\n")

	ana := l.person("stops.ana@example.com")
	require.Equal(t, exitDone, run(t, "apply", "-f", path).code, "what failed is tried again")
	require.True(t, l.holds(ana, "Viewer", "Acme / Berlin"))
	shown := run(t, "show", results(t, run(t, "apply", "-f", path, "-o", "json"))[2].ID)
	require.Contains(t, shown.errOut, "note: the id was used 3 times; this is the latest")
	require.Regexp(t, `(?m)^state +granted`, shown.out)
}

func appliedFileOfAnother(t *testing.T, l *live) {
	l.person("another@example.com")
	require.Equal(t, exitDone, asked(t, "grant", "another@example.com", "SOC", "Acme / Berlin", "--id", "OTHER-1").code)
	require.Equal(t, exitDone,
		asked(t, "grant", "another@example.com", "SOC", "Globex / Berlin", "--for", "1h", "--id", "OTHER-2").code)
	got := run(t, "apply", "--continue-on-error", "-f", file(t,
		"grant,another@example.com,Admin,Acme / Berlin,,OTHER-1",
		"grant,another@example.com,SOC,Globex / Berlin,2h,OTHER-2",
		"grant,another@example.com,SOC,Globex / Berlin,1h,OTHER-2b"), "-o", "json")
	require.Equal(t, exitFailed, got.code)
	for line, want := range map[int]string{
		2: "id grant/OTHER-1 was used before for another change, to grant user another@example.com",
		3: "id grant/OTHER-2 was used before for another change, to grant user another@example.com",
	} {
		require.Contains(t, results(t, got)[line].Message, want)
	}
	require.True(t, results(t, got)[4].OK)
}

func appliedFileDryRun(t *testing.T, l *live) {
	l.person("file.dry@example.com")
	got := run(t, "apply", "--dry-run", "-f", file(t,
		"grant,file.dry@example.com,SOC,Acme / Berlin,,", "grant,nobody.dry@example.com,SOC,tenant,,",
		"grant,file.dry@example.com,Viewer,Acme / Only Acme,,",
		"revoke,file.dry@example.com,Viewer,Acme / Only Acme,,",
		"grant,file.dry@example.com,Viewer,Acme / Only Acme; Acme / Berlin,,"))
	require.Equal(t, exitFailed, got.code)
	require.Regexp(t, `(?m)^2 .* the role would be granted$`, got.out)
	require.Regexp(t, `(?m)^3 .* failed, no user "nobody.dry@example.com" is on the console`, got.out)
	require.Regexp(t, `(?m)^4 .* no change: the console already shows the role$`, got.out)
	require.Regexp(t, `(?m)^5 .* it would be refused: it is the principal's last role`, got.out)
	require.Regexp(t, `(?m)^6 .* the role would be granted \(site Acme / Only Acme \(\d+\): no change: `+
		`the console already shows the role; site Acme / Berlin \(\d+\): the role would be granted\)$`, got.out)
	require.Contains(t, got.errOut, "error: 2 lines would fail\n")
	require.NotContains(t, run(t, "requests", "--limit", "0", "-o", "json").out, "file.dry@example.com")
}

// Ctrl-C starts nothing more; the same command continues.
func appliedFileInterrupted(t *testing.T, l *live) {
	ana := l.person("cut@example.com")
	fault := l.console.AddFault(consoletest.Fault{
		Name: consoletest.BadGateway, Path: "/users/" + ana.ID, Method: http.MethodPut,
	})
	path := file(t, "grant,cut@example.com,SOC,Acme / Berlin,,", "grant,cut@example.com,SOC,Globex / Berlin,,")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.console.OnRequest(func(r consoletest.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.Path, ana.ID) {
			cancel()
		}
	})
	var out, errOut bytes.Buffer
	require.Equal(t, exitFailed, Main(ctx, []string{"apply", "-f", path}, &out, &errOut))
	require.Contains(t, errOut.String(),
		"error: stopped: 1 line was not started; run the same command again to continue")
	require.Contains(t, out.String(), "open, in progress: it continues without this command")
	l.console.RemoveFault(fault)
	got := run(t, "apply", "-f", path, "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut+got.out)
	require.True(t, results(t, got)[2].Already)
	require.True(t, l.holds(ana, "SOC", "Globex / Berlin"))
}
