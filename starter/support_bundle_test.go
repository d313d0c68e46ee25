//nolint:paralleltest // the program reads the environment, which is the process's
package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/access"
	"sentinelone-provisioner/internal/supportbundle"
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
		"role":    "Canary Keeper",
		"console": "canarycorp.example.net", "deleted person": "Gone.Canaryperson",
	}
)

func canaryFixture(t *testing.T) (log string) {
	t.Helper()
	f := newFixture(t)
	f.sync(nameCanaries["console"], "s1", []access.Entity{
		access.Account{ID: "100", Name: nameCanaries["account"]},
		access.Site{ID: "201", Name: nameCanaries["site"], AccountID: "100", AccountName: nameCanaries["account"]},
		access.Role{ID: "301", Name: nameCanaries["role"], Scope: access.Tenant},
		access.Principal{Kind: access.User, ID: "401", Email: nameCanaries["e-mail"], Name: nameCanaries["user"]},
		access.Principal{
			Kind: access.ServiceUser, ID: "501", Name: nameCanaries["service user"],
			Description: nameCanaries["description"],
		},
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
	log = filepath.Join(dir, "worker.log")
	require.NoError(t, os.WriteFile(log, []byte(lines.String()), 0o600))
	return log
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
		require.Contains(t, files["config.json"], `"name": "LOG_LEVEL"`)
		require.Contains(t, files["config.json"], `"value": "debug"`)
		require.Contains(t, files["sync.json"], `"assignments"`)
		require.NotContains(t, files["log.txt"], "too old")
		require.Equal(t, supportbundle.LogLines, strings.Count(files["log.txt"], "\n"))
		require.Contains(t, files["log.txt"], `"rows":499`)
		require.Equal(t, withNames, strings.Contains(files["log.txt"], nameCanaries["user"]))
		require.Equal(t, withNames, strings.Contains(files["log.txt"], "panic"))
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
