package otlpenv_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/otlpenv"
)

const (
	all    = "OTEL_EXPORTER_OTLP_"
	canary = "CANARY-key-7f3a"
)

// environ sets these variables and no other of OpenTelemetry's.
func environ(t *testing.T, vars map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range vars {
		t.Setenv(name, value)
	}
}

//nolint:paralleltest // it changes the environment
func TestWanted(t *testing.T) {
	for _, c := range []struct {
		vars map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{all + "ENDPOINT": "http://localhost:4318"}, true},
		{map[string]string{all + "ENDPOINT": "  "}, false},
		{map[string]string{all + "TRACES_ENDPOINT": "http://localhost:4318"}, true},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true},
		{map[string]string{"OTEL_TRACES_EXPORTER": "none", all + "ENDPOINT": "http://localhost:4318"}, false},
		{map[string]string{"OTEL_SDK_DISABLED": "TRUE", all + "ENDPOINT": "http://localhost:4318"}, false},
		{map[string]string{"OTEL_SDK_DISABLED": "false", all + "ENDPOINT": "http://localhost:4318"}, true},
	} {
		t.Run("", func(t *testing.T) {
			environ(t, c.vars)
			require.Equal(t, c.want, otlpenv.Wanted(), c.vars)
			require.NoError(t, otlpenv.Validate())
		})
	}
}

// What a program does not use cannot be wrong: other programs of the machine may use it.
//
//nolint:paralleltest // it changes the environment
func TestValidate_NothingIsTraced(t *testing.T) {
	environ(t, map[string]string{all + "PROTOCOL": "grpc", "OTEL_BSP_MAX_QUEUE_SIZE": "-1"})
	require.NoError(t, otlpenv.Validate())
}

// By the specification, true alone disables. Anything else is told where it counts, and stops nothing.
//
//nolint:paralleltest // it changes the environment
func TestNotes(t *testing.T) {
	for value, want := range map[string]string{
		"1":      `OTEL_SDK_DISABLED is "1": traces are sent, since only true disables them: set it to true or false`,
		"yes":    `OTEL_SDK_DISABLED is "yes": traces are sent`,
		`"true"`: "OTEL_SDK_DISABLED has quotes around its value",
		"":       "", " ": "", "true": "", "True": "", "FALSE": "",
	} {
		environ(t, map[string]string{"OTEL_SDK_DISABLED": value})
		require.Empty(t, otlpenv.Notes(), "nothing is traced anyway")
		require.NoError(t, otlpenv.Validate())
		environ(t, map[string]string{"OTEL_SDK_DISABLED": value, all + "ENDPOINT": "http://localhost:4318"})
		require.NoError(t, otlpenv.Validate())
		if strings.EqualFold(value, "true") {
			require.False(t, otlpenv.Wanted(), value)
		} else {
			require.True(t, otlpenv.Wanted(), value)
		}
		if want == "" {
			require.Empty(t, otlpenv.Notes(), value)
			continue
		}
		require.Len(t, otlpenv.Notes(), 1)
		require.Contains(t, otlpenv.Notes()[0], want)
	}
}

// Each wrong value is a sentence that names the variable and what to set, and that shows no key.
//
//nolint:paralleltest // it changes the environment
func TestValidate_Wrong(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ variable, value, want string }{
		"another exporter":    {"OTEL_TRACES_EXPORTER", "zipkin", `is "zipkin": set it to otlp or none`},
		"no URL":              {all + "ENDPOINT", "localhost:4318", "such as http://localhost:4318"},
		"no host":             {all + "ENDPOINT", "http://", "set it to the collector's URL"},
		"no host but a port":  {all + "ENDPOINT", "http://:4318", "set it to the collector's URL"},
		"no port":             {all + "ENDPOINT", "http://localhost:99999", "set it to the collector's URL"},
		"port 0":              {all + "ENDPOINT", "http://localhost:0", "set it to the collector's URL"},
		"another scheme":      {all + "TRACES_ENDPOINT", "grpc://localhost:4317", "set it to the collector's URL"},
		"a socket":            {all + "ENDPOINT", "unix:///run/otel.sock", "set it to the collector's URL"},
		"a password":          {all + "ENDPOINT", "http://ana:" + canary + "@collector:4318", "_HEADERS"},
		"a user":              {all + "ENDPOINT", "http://" + canary + "@collector:4318", "_HEADERS"},
		"a query":             {all + "TRACES_ENDPOINT", "https://collector/x?key=" + canary, "remove what follows"},
		"control characters":  {all + "ENDPOINT", "http://collector\x1b[31m:4318", "U+001B"},
		"two lines":           {all + "HEADERS", "api-key=" + canary + "\nx=y", "U+000A"},
		"huge":                {all + "ENDPOINT", "http://" + strings.Repeat("x", 20_000), "bytes long"},
		"a mark":              {all + "ENDPOINT", "\ufeffhttp://localhost:4318", "byte order mark"},
		"a mark at a header":  {all + "TRACES_HEADERS", "\ufeffapi-key=" + canary, "byte order mark"},
		"quotes":              {all + "ENDPOINT", `"http://localhost:4318"`, "quotes"},
		"grpc":                {all + "PROTOCOL", "grpc", "set it to http/protobuf"},
		"json":                {all + "TRACES_PROTOCOL", "http/json", "set it to http/protobuf"},
		"a header alone":      {all + "HEADERS", canary, "write name=value"},
		"a header's name":     {all + "HEADERS", "ok=1, api key=" + canary, "see number 2"},
		"a header's encoding": {all + "TRACES_HEADERS", "api-key=" + canary + "%zz", "percent-encoded"},
		"a header's line end": {all + "HEADERS", "api-key=" + canary + "%0d%0ax:%20y", "percent-encoded"},
		"no header":           {all + "HEADERS", "api-key=x,", "see number 2"},
		"the host":            {all + "HEADERS", "host=" + canary, "names the header Host"},
		"a duration":          {all + "TIMEOUT", "10s", "whole number of milliseconds from 1 to 600000"},
		"less than nothing":   {all + "TRACES_TIMEOUT", "-1", "whole number of milliseconds"},
		"another compression": {all + "COMPRESSION", "zstd", "set it to gzip or none"},
		"another word":        {all + "INSECURE", "1", "set it to true or false"},
		"a huge word":         {all + "TRACES_INSECURE", strings.Repeat(canary, 10_000), "bytes long"},
		"clear under https":   {all + "INSECURE", "false", "unset " + all + "INSECURE"},
		"no file":             {all + "CERTIFICATE", filepath.Join(dir, "none.pem"), "cannot be read"},
		"a folder":            {all + "CERTIFICATE", dir, "cannot be read"},
		"no certificate":      {all + "CERTIFICATE", write(t, dir, "junk", "junk"), "holds no certificate"},
		"no key":              {all + "CLIENT_CERTIFICATE", pair(t, dir, "now", time.Now()), "CLIENT_KEY is not set"},
		"a sampler":           {"OTEL_TRACES_SAMPLER", "xray", "set it to one of always_on"},
		"no queue":            {"OTEL_BSP_MAX_QUEUE_SIZE", "-1", "spans from 1 to 65536"},
		"a queue of all":      {"OTEL_BSP_MAX_QUEUE_SIZE", "999999999999", "spans from 1 to 65536"},
		"no batch":            {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "-5", "spans from 1 to 65536"},
		"no pause":            {"OTEL_BSP_SCHEDULE_DELAY", "0", "milliseconds from 1"},
		"blanks":              {"OTEL_BSP_EXPORT_TIMEOUT", " 500", "has blanks"},
		"a limit":             {"OTEL_SPAN_LINK_COUNT_LIMIT", "many", "links from -1"},
		"no attribute":        {"OTEL_RESOURCE_ATTRIBUTES", "team=iam,prod", "see number 2"},
		"a service":           {"OTEL_SERVICE_NAME", "a\x07b", "U+0007"},
	} {
		t.Run(name, func(t *testing.T) {
			vars := map[string]string{all + "ENDPOINT": "http://localhost:4318"}
			vars[c.variable] = c.value
			environ(t, vars)
			err := otlpenv.Validate()
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, c.variable)
			require.NotContains(t, strings.ToLower(err.Error()), strings.ToLower(canary))
			require.NotContains(t, err.Error(), "\x1b")
			require.Less(t, len(err.Error()), 600)
		})
	}
}

//nolint:paralleltest // it changes the environment
func TestValidate_Ratio(t *testing.T) {
	for arg, ok := range map[string]bool{
		"0": true, "1": true, "0.25": true, "": true,
		"-0.1": false, "1.5": false, "NaN": false, "half": false, "Inf": false, "0,5": false,
	} {
		environ(t, map[string]string{
			all + "ENDPOINT": "http://localhost:4318", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
			"OTEL_TRACES_SAMPLER_ARG": arg,
		})
		if ok {
			require.NoError(t, otlpenv.Validate(), arg)
		} else {
			require.ErrorContains(t, otlpenv.Validate(), "OTEL_TRACES_SAMPLER_ARG is", arg)
		}
	}
}

//nolint:paralleltest // it changes the environment
func TestValidate_TLS(t *testing.T) {
	dir := t.TempDir()
	now, old := pair(t, dir, "now", time.Now()), pair(t, dir, "old", time.Now().Add(-48*time.Hour))
	later := pair(t, dir, "later", time.Now().Add(48*time.Hour))
	for name, c := range map[string]struct {
		vars map[string]string
		want string
	}{
		"well":    {map[string]string{"CERTIFICATE": now, "CLIENT_CERTIFICATE": now, "CLIENT_KEY": now + ".key"}, ""},
		"expired": {map[string]string{"CERTIFICATE": old}, "CERTIFICATE is"},
		"not yet": {map[string]string{"TRACES_CERTIFICATE": later}, "only (check the clock"},
		"another key": {
			map[string]string{"CLIENT_CERTIFICATE": now, "CLIENT_KEY": later + ".key"},
			"CLIENT_KEY is not the private key of the certificate in " + all + "CLIENT_CERTIFICATE",
		},
		"a key alone": {map[string]string{"CLIENT_KEY": now + ".key"}, "CLIENT_CERTIFICATE is not set"},
		"without TLS": {
			map[string]string{"CERTIFICATE": now, "ENDPOINT": "http://collector:4318"}, "CERTIFICATE needs TLS",
		},
		"in clear": {map[string]string{"INSECURE": "true"}, "INSECURE is true"},
	} {
		t.Run(name, func(t *testing.T) {
			vars := map[string]string{all + "ENDPOINT": "https://collector:4318"}
			for suffix, value := range c.vars {
				vars[all+suffix] = value
			}
			environ(t, vars)
			err := otlpenv.Validate()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
}

// All faults are told at once, in the same order.
//
//nolint:paralleltest // it changes the environment
func TestValidate_AllAtOnce(t *testing.T) {
	environ(t, map[string]string{
		all + "ENDPOINT": "x", all + "PROTOCOL": "grpc", all + "HEADERS": "x", "OTEL_TRACES_SAMPLER": "x",
	})
	lines := strings.Split(otlpenv.Validate().Error(), "\n")
	require.Len(t, lines, 4)
	for i, name := range []string{all + "ENDPOINT", all + "PROTOCOL", all + "HEADERS", "OTEL_TRACES_SAMPLER"} {
		require.True(t, strings.HasPrefix(lines[i], name+" is "), lines[i])
	}
}

// Each value is hidden as it is sent, as it is written, and without the name of its scheme.
//
//nolint:paralleltest // it changes the environment
func TestSecrets(t *testing.T) {
	environ(t, nil)
	require.Empty(t, otlpenv.Secrets())
	basic := base64.StdEncoding.EncodeToString([]byte("ana:pass:" + canary))
	environ(t, map[string]string{
		all + "HEADERS":        "api-key=a%20b, x = y,z=Basic%20" + url.PathEscape(basic) + ",o=Bearer ",
		all + "TRACES_HEADERS": "authorization=Bearer%20" + canary + "%2F",
	})
	got := otlpenv.Secrets()
	for _, want := range []string{
		"a b", "a%20b", "y", "Basic " + basic, basic, "pass:" + canary, "Bearer " + canary + "/",
		canary + "/", canary + "%2F", "Bearer%20" + canary + "%2F",
	} {
		require.Contains(t, got, want)
	}
	require.NotContains(t, got, "ana")
	require.NotContains(t, got, "")
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// pair writes a certificate that holds for an hour around a time, and its key beside it.
func pair(t *testing.T, dir, name string, around time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: around.Add(-time.Hour), NotAfter: around.Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write(t, dir, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return write(t, dir, name, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
}
