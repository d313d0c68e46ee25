//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/consoletest"
	"sentinelone-provisioner/internal/ledger"
	"sentinelone-provisioner/internal/requestrecord"
	"sentinelone-provisioner/internal/supportbundle"
	"sentinelone-provisioner/internal/version"
)

// Secrets of every kind, and names of every kind, by what they are.
var (
	secretCanaries = map[string]string{
		"SENTINELONE_API_TOKEN": "eyJhbGciOi.canary-one.sig",
		"NOTIFY_WEBHOOK_URL":    "https://hook.example.com/canary-two",
		"NOTIFY_WEBHOOK_SECRET": "whsec_canarythree",
		"NOTIFY_SLACK_URL":      "https://hooks.example.com/services/canary-four",
		"NOTIFY_SMTP_URL":       "smtp://mailer:canary-five@mail.example.com:587",
		"TEMPORAL_API_KEY":      "canary six with blanks",
	}
	urlCanary, proxyCanary, fileCanary = "canary-seven", "canary-eight", "canary-nine+/="
	nameCanaries                       = map[string]string{
		"user": "Zoë Canarymann", "e-mail": "zoe.canarymann@quartz.example", "service user": "svc.canary-backup",
		"description": "Runs Canaryjobs", "account": "Canarycorp GmbH", "site": "Canaryville / West",
		"account of a site": "Canaryholding", "login": "canarylogin7",
		"role":    "Canary Keeper",
		"console": "canarycorp.example.net", "deleted person": "Gone.Canaryperson",
		"requester": "canary.requester@example.com", "reason": "Canaryreason",
	}
)

func canaryFixture(t *testing.T) (log string) {
	t.Helper()
	f := newFixture(t)
	f.sync(nameCanaries["console"], "s1", []access.Entity{
		access.Account{ID: "100", Name: nameCanaries["account"]},
		access.Site{
			ID: "201", Name: nameCanaries["site"], AccountID: "100", AccountName: nameCanaries["account of a site"],
		},
		access.Role{ID: "301", Name: nameCanaries["role"], Scope: access.Tenant},
		access.Principal{Kind: access.User, ID: "401", Email: nameCanaries["e-mail"], Name: nameCanaries["user"]},
		access.Principal{Kind: access.User, ID: "402", Email: nameCanaries["login"]},
		access.Principal{
			Kind: access.ServiceUser, ID: "501", Name: nameCanaries["service user"],
			Description: nameCanaries["description"],
		},
	})
	f.pending(nameCanaries["console"], "grant/INC-42", access.Plan{
		Op:        access.OpAcquire,
		Principal: access.PrincipalRef{Kind: access.User, ID: "401", Email: nameCanaries["e-mail"]},
		Role:      access.RoleRef{ID: "301", Name: nameCanaries["role"]}, Scope: access.ScopeRef{Level: access.Tenant},
		Terms: access.Terms{Requester: nameCanaries["requester"], Reason: nameCanaries["reason"]},
	})
	// Without signatures a requester's name is a claim, and need be no address.
	f.pending(nameCanaries["console"], "grant/INC-43", access.Plan{
		Op: access.OpAcquire, Principal: access.PrincipalRef{Kind: access.User, ID: "401"},
		Role: access.RoleRef{ID: "301"}, Scope: access.ScopeRef{Level: access.Tenant},
		Terms: access.Terms{Requester: "Canaryclaim", Reason: nameCanaries["reason"]},
	})
	for name, value := range secretCanaries {
		t.Setenv(name, value)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "canarymann.keys")
	require.NoError(t, os.WriteFile(path, []byte("a:"+fileCanary+"\n"), 0o600))
	t.Setenv("PAYLOAD_KEYS_FILE", path)
	t.Setenv("SENTINELONE_BASE_URL", "https://user:"+urlCanary+"@"+nameCanaries["console"])
	t.Setenv("HTTPS_PROXY", "http://proxy:"+proxyCanary+"@127.0.0.1:1")
	t.Setenv("NOTIFY_TO", nameCanaries["e-mail"])
	t.Setenv("TASK_QUEUE", "sentinelone")
	t.Setenv("LOG_LEVEL", "debug")

	var lines strings.Builder
	fmt.Fprintln(&lines, `{"level":"info","ts":"2026-03-03T09:00:00Z","msg":"left out, it is too old"}`)
	for i := range supportbundle.LogLines {
		fmt.Fprintf(&lines, `{"level":"info","ts":"2026-03-03T09:00:00Z","msg":"synced","rows":%d}`+"\n", i)
	}
	all := []string{urlCanary, proxyCanary, fileCanary}
	for _, value := range secretCanaries {
		all = append(all, value)
	}
	for _, value := range nameCanaries {
		all = append(all, value)
	}
	for _, value := range all {
		fmt.Fprintf(&lines, `{"level":"error","ts":"2026-03-03T09:00:00Z","msg":"failed","who":%q,`+
			`"error":"no user %s"}`+"\n", value, strings.ReplaceAll(fmt.Sprintf("%q", value), `"`, `\"`))
		fmt.Fprintf(&lines, "2026-03-03T09:00:00Z  WARN  cannot grant  {\"requester\": %q}\n", value)
		fmt.Fprintf(&lines, "panic: %s\n", value)
	}
	// Messages of other programs name what the console holds without quotes.
	for _, what := range []string{
		"user", "e-mail", "login", "service user", "description", "account", "account of a site", "site", "role",
		"console",
	} {
		fmt.Fprintf(&lines, `{"level":"warn","ts":"2026-03-03T09:00:00Z","msg":"cannot read %s of the %s (%[1]s)",`+
			`"error":"%[1]s: gone"}`+"\n", nameCanaries[what], what)
	}
	log = filepath.Join(dir, "worker.log")
	require.NoError(t, os.WriteFile(log, []byte(lines.String()), 0o600))
	return log
}

// pending puts a request on record that waits.
func (f *fixture) pending(console, id string, plan access.Plan) {
	f.t.Helper()
	plan.Console = console
	_, err := f.db.Append(f.t.Context(), console, ledger.NewEntry{
		Request: id, Key: id + "#r1/request", At: noon, Body: ledger.Request{Plan: plan.Seal()},
	})
	require.NoError(f.t, err)
}

// unzip returns the files of an archive.
func unzip(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer func() { _ = archive.Close() }()
	out := map[string]string{}
	for _, file := range archive.File {
		r, err := file.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		out[file.Name] = string(text)
	}
	return out
}

// No secret is in a bundle, ever, and no name or address unless names are wanted.
func TestSupportBundle_HoldsNoSecretAndNoName(t *testing.T) {
	log := canaryFixture(t)
	for _, withNames := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "bundle.zip")
		args := []string{"support-bundle", "--out", path, "--log-file", log, "--console", nameCanaries["console"]}
		if withNames {
			args = append(args, "--with-names")
		}
		got := run(t, args...)
		require.Equal(t, exitDone, got.code, got.errOut)
		require.Equal(t, path+"\n", got.out)
		files := unzip(t, path)
		require.Len(t, files, 6)
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		for file, text := range files {
			require.NotEmpty(t, text, file)
			for _, value := range []string{urlCanary, proxyCanary, "canary-nine"} {
				require.NotContains(t, text, value, file)
			}
			for name, value := range secretCanaries {
				require.NotContains(t, text, value, "%s in %s", name, file)
			}
			for _, part := range []string{
				"canary-one", "canary-two", "canarythree", "canary-four", "canary-five", "canary six",
			} {
				require.NotContains(t, text, part, file)
			}
			if !withNames {
				require.NotContains(t, strings.ToLower(text), "canary", file)
				require.NotContains(t, text, "@", file)
				require.NotContains(t, text, "Zo", file)
			}
		}
		requireParts(t, files)
		require.Equal(t, withNames, strings.Contains(files["pending.json"], nameCanaries["requester"]))
		require.NotContains(t, files["log.txt"], "too old")
		require.Equal(t, supportbundle.LogLines, strings.Count(files["log.txt"], "\n"))
		require.Contains(t, files["log.txt"], `"rows":499`)
		require.Equal(t, withNames, strings.Contains(files["log.txt"], nameCanaries["user"]))
		require.Equal(t, withNames, strings.Contains(files["log.txt"], "panic"))
	}
}

// requireParts requires what each part tells of, with and without names.
func requireParts(t *testing.T, files map[string]string) {
	t.Helper()
	read := func(name string, into any) {
		t.Helper()
		require.NoError(t, json.NewDecoder(strings.NewReader(files[name])).Decode(into), "%s: %s", name, files[name])
	}
	var versions map[string]any
	read("versions.json", &versions)
	require.Equal(t, version.String(), versions["version"])
	require.Equal(t, runtime.GOOS, versions["os"])

	var settings []setting
	read("config.json", &settings)
	said := map[string]setting{}
	for _, s := range settings {
		said[s.Name] = s
	}
	require.Equal(t, "debug", said["LOG_LEVEL"].Value)
	require.Equal(t, "-rw-------", said["PAYLOAD_KEYS_FILE"].File)
	for name := range secretCanaries {
		require.Equal(t, "[secret]", said[name].Value, name)
	}

	require.Contains(t, files["check.json"], "the base URL has a user name", "bad settings are what a report is about")
	require.Contains(t, files["sync.json"], `"assignments"`)

	var open requestsAnswer
	read("pending.json", &open)
	var ids []string
	for _, r := range open.Requests {
		ids = append(ids, r.ID)
		require.Equal(t, requestrecord.StateOpen, r.State)
	}
	require.ElementsMatch(t, []string{"grant/INC-42", "grant/INC-43"}, ids)
}

// What check finds is in a bundle, without the names of console, machine and files.
func TestSupportBundle_Checks(t *testing.T) {
	s := consoletest.Start(t, consoletest.Options{Token: canary})
	host := consoleAt(t, s)
	for _, withNames := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "bundle.zip")
		args := []string{"support-bundle", "--out", path}
		if withNames {
			args = append(args, "--with-names")
		}
		got := run(t, args...)
		require.Equal(t, exitDone, got.code, got.errOut)
		var found checkAnswer
		text := unzip(t, path)["check.json"]
		require.NoError(t, json.NewDecoder(strings.NewReader(text)).Decode(&found), text)
		details := map[string]string{}
		for _, c := range found.Checks {
			details[c.Name] = c.Detail
		}
		require.Equal(t, "20 rows", details["Users.view"], text)
		require.Contains(t, details["console"], "answers, version ")
		require.Equal(t, withNames, strings.Contains(text, host))
		require.NotContains(t, text, "none.db", "long paths look like secrets")
		require.NotContains(t, text, canary)
	}
}

// Nothing needs to run, and bad settings are part of the report.
func TestSupportBundle_OfAMachineWhereNothingWorks(t *testing.T) {
	environ(t, map[string]string{
		"DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "missing.db"), "SYNC_MAX_LOSS_ROWS": "many",
	})
	t.Chdir(t.TempDir())
	p := filepath.Join("support-bundle-*.zip")
	got := run(t, "support-bundle", "-o", "json")
	require.Equal(t, exitDone, got.code, got.errOut)
	found, err := filepath.Glob(p)
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, bundleAnswer{Path: found[0], Files: []string{
		"versions.json", "config.json", "check.json", "sync.json", "pending.json", "log.txt",
	}}, decode[bundleAnswer](t, got))
	files := unzip(t, found[0])
	require.Contains(t, files["log.txt"], "no log was given")
	require.Contains(t, files["config.json"], "SYNC_MAX_LOSS_ROWS")
	for _, part := range []string{"check.json", "sync.json", "pending.json"} {
		require.Contains(t, files[part], "cannot read this part: ", part)
	}
}

func TestSupportBundle_LogOnStandardInput(t *testing.T) {
	canaryFixture(t)
	path := filepath.Join(t.TempDir(), "bundle.zip")
	var out bytes.Buffer
	a := &app{out: &out, err: &out, now: time.Now}
	root := a.root()
	root.SetArgs([]string{"support-bundle", "--out", path, "--log-file", "-"})
	root.SetIn(strings.NewReader(`{"level":"info","ts":"2026-03-03T09:00:00Z","msg":"worker started"}` + "\n"))
	require.NoError(t, root.ExecuteContext(t.Context()))
	require.Contains(t, unzip(t, path)["log.txt"], `"msg":"worker started"`)
}

// A machine in a network without domains has a name like any other word. The hosts of docker-compose.yaml name none.
func TestSupportBundle_HostsWithoutADomain(t *testing.T) {
	const line = `{"level":"error","ts":"2026-03-03T09:00:00Z","msg":"lookup %s: no such host"}` + "\n"
	bundled := func(log string) map[string]string {
		path := filepath.Join(t.TempDir(), "bundle.zip")
		file := filepath.Join(t.TempDir(), "worker.log")
		require.NoError(t, os.WriteFile(file, []byte(log), 0o600))
		got := run(t, "support-bundle", "--out", path, "--log-file", file)
		require.Equal(t, exitDone, got.code, got.errOut)
		return unzip(t, path)
	}
	f := newFixture(t)
	f.sync("canarybox", "s1", nil)
	files := bundled(fmt.Sprintf(line, "canarybox"))
	require.Contains(t, files["log.txt"], "no such host")
	require.NotContains(t, files["log.txt"], "canarybox", "the database has it")

	for name, value := range map[string]string{
		"SENTINELONE_BASE_URL": "https://canarybox:8443", "DATABASE_URL": "postgres://u:p@canarybox/db",
		"TEMPORAL_ADDRESS": "canarybox:7233", "HTTPS_PROXY": "http://canarybox:3128",
		"NOTIFY_SLACK_URL": "https://canarybox/hook",
	} {
		t.Run(name, func(t *testing.T) {
			none := "sqlite://" + filepath.Join(t.TempDir(), "none.db")
			environ(t, map[string]string{"DATABASE_URL": none, name: value})
			for file, text := range bundled(fmt.Sprintf(line, "canarybox") + fmt.Sprintf(line, "postgres")) {
				require.NotContains(t, text, "canarybox", file)
				require.Equal(t, file == "log.txt", strings.Contains(text, "lookup postgres:"), text)
			}
		})
	}
	environ(t, map[string]string{
		"DATABASE_URL": "postgres://u:p@postgres:1/db", "TEMPORAL_ADDRESS": "temporal:7233",
	})
	require.Contains(t, bundled(fmt.Sprintf(line, "postgres"))["log.txt"], "lookup postgres:")
}
