package config_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/testbed"
)

// Passwords with each character that ends them early in a URL, in each setting that is a URL: a
// sentence that says to percent-encode it, exit 2, and nothing of it shown or asked of DNS.
func TestPrograms_PasswordsInURLs(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]string{
		"DATABASE_URL": "postgres://u:PW@127.0.0.1:1/db", "NOTIFY_SMTP_URL": "smtp://u:PW@127.0.0.1:1",
		"NOTIFY_WEBHOOK_URL": "https://u:PW@127.0.0.1:1/hook", "NOTIFY_SLACK_URL": "https://u:PW@127.0.0.1:1/hook",
		"SENTINELONE_BASE_URL": "https://u:PW@127.0.0.1:1", "HTTPS_PROXY": "http://u:PW@127.0.0.1:1",
		"http_proxy": "http://u:PW@127.0.0.1:1", "TEMPORAL_ADDRESS": "u:PW@127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			for _, special := range []string{
				"P@", "12/", "12?", "12#", "5%", "5%zz", "a[", "a b", "12?x=1&",
			} {
				changes := map[string]string{
					name: strings.ReplaceAll(form, "PW", special+password), "NOTIFY_FROM": "access@example.com",
					"NOTIFY_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
				}
				for program, got := range map[string]outcome{
					"worker": p.worker(t, changes), "starter": p.starter(t, changes, "check"),
				} {
					require.Equal(t, 2, got.code, "%s, %q: %s", program, special, got.out)
					require.Contains(t, got.out, name)
					require.NotContains(t, got.out, password, "%s, %q", program, special)
					require.NotContains(t, got.out, "lookup")
				}
			}
		})
	}
	p := newPlace(t)
	got := p.worker(t, map[string]string{"DATABASE_URL": "postgres://u:P@ssw0rd!@127.0.0.1:1/db"})
	require.Equal(t, 2, got.code)
	require.Contains(t, got.out, "percent-encode")
	require.Contains(t, got.out, "@ is %40")
	require.NotContains(t, got.out, "ssw0rd")
	got = p.worker(t, map[string]string{"DATABASE_URL": "host=127.0.0.1 port=1 user=u password=" + password})
	require.Equal(t, 2, got.code)
	require.NotContains(t, got.out, password)
}

// An error of the database is one sentence with the server, the cause and what to do next.
func TestPrograms_DatabaseErrors(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for url, says := range map[string]string{
		"postgres://u:" + password + "@127.0.0.1:1/db": "cannot connect to the database server 127.0.0.1:1: " +
			"connection refused by 127.0.0.1:1: start PostgreSQL there, or correct host and port in DATABASE_URL",
		"postgres://u:" + password + "@db.invalid/db": "cannot connect to the database server db.invalid:5432: " +
			`the host "db.invalid" is not known`,
		"postgres://u:" + password + "@127.0.0.1:1/db?sslrootcert=/nowhere/ca.pem": "its sslrootcert cannot be read: " +
			"open /nowhere/ca.pem",
		"postgres://u:" + password + "@127.0.0.1:1/db?sslmode=perhaps": "its sslmode is unknown",
		"sqlite:///nowhere/x.db": `"/nowhere/x.db" cannot be created, because there is no folder "/nowhere"`,
		"sqlite:///etc/passwd/x.db": `DATABASE_URL: the database file "/etc/passwd/x.db" cannot be reached: ` +
			"not a directory: name one in a folder that this user may enter",
		"sqlite:///dev/null": `the database file "/dev/null" is a device, a pipe or a socket: name a regular file`,
	} {
		got := p.worker(t, map[string]string{"DATABASE_URL": url})
		require.Equal(t, 2, got.code, got.out)
		require.Contains(t, got.out, says)
		require.NotContains(t, got.out, password)
		require.Equal(t, 1, strings.Count(got.out, "  - "), "one sentence: %s", got.out)
		require.Len(t, strings.Split(strings.TrimSpace(got.out), "\n"), 2, got.out)
	}
}

// What no database of one file can be is refused; a file with strange characters is one.
func TestPrograms_SQLite(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, url := range []string{
		"sqlite://:memory:", "sqlite://file::memory:?cache=shared", "sqlite://x.db?mode=ro", "sqlite://file:x.db",
		"sqlite://x.db?mode=memory&cache=shared", "sqlite:///var/lib/x.db?_pragma=foreign_keys(1)",
		"sqlite://./:memory:", "sqlite://:MEMORY:", "sqlite://:memory", "sqlite://FILE:x.db", "sqlite://x.db?",
		"sqlite://x.db?immutable", "sqlite://x.db;mode=ro", "sqlite://x.db&cache=shared", "sqlite:// x.db",
		"sqlite://u:" + password + "@host/x.db", "sqlite:///u:" + password + "@host/x.db",
		"sqlite://%2Fvar%2Flib%2Fx.db", `sqlite://C:\x.db`,
		`sqlite://\\server\x.db`, "sqlite://~/x.db", "sqlite://$HOME/x.db", "sqlite://${DIR}/x.db",
	} {
		for program, got := range map[string]outcome{
			"worker":  p.worker(t, map[string]string{"DATABASE_URL": url}),
			"starter": p.starter(t, map[string]string{"DATABASE_URL": url}, "access", "--user", "ana@example.com"),
		} {
			require.Equal(t, 2, got.code, "%s, %s: %s", program, url, got.out)
			require.Contains(t, got.out, "sqlite://sentinelone.db", "the form: %s", got.out)
			require.NotContains(t, got.out, password)
		}
	}
	made, err := os.ReadDir(p.dir)
	require.NoError(t, err)
	require.Empty(t, made, "no file of such a name")
	odd := filepath.Join(p.dir, "a b#c%20d ü.db")
	got := p.worker(t, map[string]string{"DATABASE_URL": "sqlite://" + odd})
	require.True(t, got.runs, got.out)
	header, err := os.ReadFile(odd)
	require.NoError(t, err)
	require.Equal(t, "SQLite format 3", string(header[:min(15, len(header))]), "the database is this file")
}

// What is no host and port is bad configuration, in the worker and in each command, with the form.
func TestPrograms_TemporalAddress(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for address, says := range map[string]string{
		"https://host:7233": "write host and port alone, such as host:7233", "http://host:7233/x": "such as host:7233",
		"": "TEMPORAL_ADDRESS is blank", "  ": "TEMPORAL_ADDRESS is blank", "\t\r\n": "TEMPORAL_ADDRESS is blank",
		"host": "has no port", "host:": "has a port that is not a number", "host:x": "has a port that is not a number",
		"host:70000": "not a number from 1 to 65535", ":7233": "names no host",
		"host:7233/ns": "is not a host and a port",
		"a:1,b:2":      "is not a host and a port", "grpc://host:7233": "is a URL",
		"host 7233": "is not a host and a port", "${TEMPORAL_HOST}:7233": "has a character that no host's name has",
		"::1:7233": "is IPv6, of which brackets must tell the port", "256.1.1.1:7233": "is no IP address",
	} {
		for program, got := range map[string]outcome{
			"worker":        p.worker(t, map[string]string{"TEMPORAL_ADDRESS": address}),
			"starter sync":  p.starter(t, map[string]string{"TEMPORAL_ADDRESS": address}, "sync"),
			"starter check": p.starter(t, map[string]string{"TEMPORAL_ADDRESS": address}, "check"),
		} {
			require.Equal(t, 2, got.code, "%s, %q: %s", program, address, got.out)
			require.Contains(t, got.out, says, "%s, %q", program, address)
			require.Contains(t, got.out, "host and port", "%s, %q", program, address)
			require.NotContains(t, got.out, "start it", "%s, %q", program, address)
		}
	}
	for _, good := range []string{"127.0.0.1:1", " 127.0.0.1:1\r\n", "[::1]:1", "dns:///127.0.0.1:1"} {
		require.True(t, p.worker(t, map[string]string{"TEMPORAL_ADDRESS": good}).runs, good)
	}
}

// A mail that could never be sent is bad configuration, not a dropped message later.
func TestPrograms_Mail(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	mail := func(name, value string) map[string]string {
		vars := map[string]string{
			"NOTIFY_SMTP_URL": "smtp://u:x%23y@127.0.0.1:1", "NOTIFY_FROM": "access@example.com",
			"NOTIFY_TO": "ana@example.com, Bob <bob@example.com>",
		}
		vars[name] = value
		return vars
	}
	require.True(t, p.worker(t, mail("NOTIFY_TO", " ana@example.com ,,bob@example.com,")).runs)
	for name, values := range map[string][]string{
		"NOTIFY_TO": {
			"ana@example.com;bob@example.com", "ana@example.com bob@example.com", "ana", "ana@example.com, soc",
			"@example.com", "ana@example.com\nBcc: bob@example.com",
		},
		"NOTIFY_FROM": {"access", "a@example.com;b@example.com", "Access Team"},
		"NOTIFY_SMTP_URL": {
			"smtp://u:12#x@h:587", "smtp://h:587/path", "http://h:587", "smtp://h:99999", "h", "smtp://h:587#x",
			"smtp://h?tls=no", "smtp://u#x@h", "smtp://u?x@h",
		},
		"NOTIFY_MAIL_DOMAINS": {"example.com;example.org", "@example.com", "'example.com, example.org'"},
	} {
		for _, value := range values {
			got := p.worker(t, mail(name, value))
			require.Equal(t, 2, got.code, "%s=%q: %s", name, value, got.out)
			require.Contains(t, got.out, name)
		}
	}
}

// A proxy and a company's CA are said, and each error of TLS names the variable.
func TestPrograms_ProxyAndCA(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	secure := httptest.NewTLSServer(p.console.Handler())
	t.Cleanup(secure.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	require.NoError(t, os.WriteFile(bundle, text, 0o600))
	marked := filepath.Join(t.TempDir(), "marked.pem")
	require.NoError(t, os.WriteFile(marked, append([]byte("\xef\xbb\xbf"), text...), 0o600))
	at := map[string]string{"SENTINELONE_BASE_URL": secure.URL}

	got := p.starter(t, at, "check")
	require.Equal(t, 1, got.code, got.out)
	require.Contains(t, got.out, "signed by a CA that this machine does not trust")
	require.Contains(t, got.out, "set SSL_CERT_FILE to the file")
	require.Contains(t, got.out, "export SSL_CERT_FILE=", "the command")

	at["SSL_CERT_FILE"] = bundle
	got = p.starter(t, at, "check")
	require.Equal(t, 0, got.code, got.out)
	require.Contains(t, got.out, "console directly; Temporal directly; CA certificates: "+bundle+" (SSL_CERT_FILE)")
	require.Contains(t, got.out, "  "+bundle+" can be read")

	// A proxy that tunnels to the console, whatever host is asked for.
	tunnel := &testbed.Tunnel{To: secure.Listener.Addr().String()}
	proxy := httptest.NewServer(tunnel)
	t.Cleanup(proxy.Close)
	through := strings.Replace(proxy.URL, "http://", "http://u:"+password+"@", 1)
	at = map[string]string{
		"SENTINELONE_BASE_URL": "https://example.com", "SSL_CERT_FILE": bundle, "HTTPS_PROXY": through,
	}
	got = p.starter(t, at, "check")
	require.Equal(t, 0, got.code, got.out)
	require.Positive(t, tunnel.Opened())
	require.Contains(t, got.out, "console through the proxy "+proxy.URL+" (HTTPS_PROXY); Temporal directly")
	require.NotContains(t, got.out, password)
	at["NO_PROXY"] = "example.com"
	require.NotContains(t, p.starter(t, map[string]string{"HTTPS_PROXY": through, "NO_PROXY": "*"}, "check").out,
		"through the proxy")

	for value, says := range map[string]string{
		"/nowhere/ca.pem": "SSL_CERT_FILE: the CA bundle cannot be read: open /nowhere/ca.pem",
		"/etc/hostname":   "holds no certificate in PEM",
		marked:            "begins with a byte order mark",
	} {
		got = p.worker(t, map[string]string{"SSL_CERT_FILE": value})
		require.Equal(t, 2, got.code, got.out)
		require.Contains(t, got.out, says)
	}
	got = p.worker(t, map[string]string{"https_proxy": "ftp://proxy:21"})
	require.Equal(t, 2, got.code)
	require.Contains(t, got.out, "https_proxy is not the URL of a proxy")
}

// Whatever check finds wrong comes with a command or a place to click, for people and programs.
func TestPrograms_CheckSaysHowToRepair(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	open := filepath.Join(p.dir, "token")
	require.NoError(t, os.WriteFile(open, []byte(token), 0o600))
	require.NoError(t, os.Chmod(open, 0o644))
	rules := filepath.Join(p.dir, "policy.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("rules:\n  - {name: all, autoApprove: true}\n"), 0o600))
	require.NoError(t, os.Chmod(rules, 0o666))
	changes := map[string]string{
		"SENTINELONE_API_TOKEN": "-", "SENTINELONE_API_TOKEN_FILE": open, "POLICY_FILE": rules,
		"TEMPORAL_TLS_CLIENT_KEY_PATH": "/nowhere/key", "TEMPORAL_TLS_CLIENT_CERT_PATH": "/nowhere/cert",
	}
	got := p.starter(t, changes, "check", "--output", "json")
	require.Equal(t, 2, got.code, got.out)
	var answer struct {
		Checks []struct {
			Name   string `json:"name"`
			Detail string `json:"detail"`
			Fix    string `json:"fix"`
			OK     bool   `json:"ok"`
		} `json:"checks"`
	}
	require.NoError(t, json.NewDecoder(strings.NewReader(got.out[strings.Index(got.out, "{"):])).Decode(&answer))
	fixes := map[string]string{}
	for _, c := range answer.Checks {
		fixes[c.Name] = c.Fix
		if !c.OK && c.Detail != "not tested" {
			require.NotEmpty(t, c.Fix, "%+v", c)
		}
	}
	require.Equal(t, "chmod 600 "+open, fixes["SENTINELONE_API_TOKEN_FILE"])
	require.Equal(t, "chmod go-w "+rules, fixes["POLICY_FILE"])
	require.Equal(t, "ls -l /nowhere/key", fixes["TEMPORAL_TLS_CLIENT_KEY_PATH"])
	require.Contains(t, fixes["database"], "starter sync --wait")
	require.Contains(t, fixes["signatures"], "starter signers add")

	people := p.starter(t, changes, "check").out
	require.Contains(t, people, "other users of this machine may open "+open+" (mode 0644), and only the worker's")
	require.Contains(t, people, "TO REPAIR")
	require.Contains(t, people, "chmod 600 "+open)
	require.NotContains(t, people, token)
}

// Each variable of files is looked at; what is set in the wrong variable is not printed.
func TestFiles_NameEachVariable(t *testing.T) {
	vars := map[string]string{}
	for _, v := range everyVariable() {
		if v.File != "" {
			vars[v.Name] = "/nowhere/" + v.Name
		}
	}
	setEnv(t, vars)
	for _, v := range config.TemporalVariables() {
		if v.File == "" {
			t.Setenv(v.Name, "")
		}
	}
	seen := map[string]bool{}
	for _, s := range config.Files() {
		seen[s.Variable] = true
		require.Contains(t, s.Text, "/nowhere/"+s.Variable)
		require.Equal(t, s.Variable == "TEMPORAL_CONFIG_FILE", s.OK)
	}
	for name := range vars {
		require.True(t, seen[name], name)
	}
	t.Setenv("SENTINELONE_API_TOKEN_FILE", strings.Repeat(token, 3))
	for _, s := range config.Files() {
		require.NotContains(t, s.Text+s.Fix, token)
	}
}

// Where metrics and probes are served must be known to Prometheus: a port that the system chooses is refused.
func TestTelemetry_MetricsAddress(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"": true, "localhost:9464": true, "0.0.0.0:9464": true, "[::]:9464": true, ":9464": true,
		"localhost": false, "localhost:": false, "localhost:0": false, ":": false, "localhost:65536": false,
		"localhost:http": false, "localhost:-1": false, "::1:9464": false, "http://localhost:9464": false,
	} {
		err := config.Telemetry{Level: "info", Metrics: address}.Validate()
		if ok {
			require.NoError(t, err, address)
			continue
		}
		require.ErrorContains(t, err, "set it to host and port, such as localhost:9464", address)
	}
}
