package temporalclient_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/temporalclient"
)

// An address that names no host is told at once: the SDK would ask for it for ever.
func TestCheckAddress(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"localhost:7233", "127.0.0.1:1", "[::1]:7233", "[fe80::1%25eth0]:7233", "dns:///temporal.example.com:7233",
		"temporal_frontend:7233", "temporal.svc.cluster.local.:7233", "acme.a1b2c.tmprl.cloud:7233",
		"xn--bcher-kva.ch:1",
		"dns:7233", "unix:7233", "7.example.com:7233", "host7:07233",
	} {
		require.NoError(t, temporalclient.CheckAddress("X", good), good)
	}
	const placeholder = "has a character that no host's name has there"
	for bad, why := range map[string]string{
		"$HOST:7233": placeholder, "${TEMPORAL_HOST}:7233": placeholder, "<host>:7233": placeholder,
		"{{host}}:7233": placeholder, "*:7233": placeholder, "TEMPORAL_ADDRESS=host:7233": placeholder,
		"-host:7233": placeholder, ".:7233": placeholder, "a..b:7233": placeholder, "host%20:7233": placeholder,
		"(host:7233":  placeholder,
		"256.1.1.1:1": "ends in a number and is no IP address", "10.0.0:1": "ends in a number",
		"1:1": "ends in a number",
		"::1": "is IPv6, of which brackets must tell the port, as in [::1]:7233", "::1:7233": "is IPv6",
		"fd00::7:7233": "is IPv6", "[::1]": "is IPv6", "[host]:1": "has no IPv6 address in its brackets",
		"[127.0.0.1]:1": "has no IPv6 address", "[fe80::1%eth0]:1": "behind %25, as in [fe80::1%25eth0]",
		"[fe80::1%25]:1": "has no IPv6 address", "[]:1": "has no IPv6 address",
		"bücher.ch:7233": "which DNS knows as xn--bcher-kva.ch", "host\u2024:7233": "beyond ASCII",
		"dns:host:7233": "begins with a resolver of gRPC", "ipv4:127.0.0.1:1": "resolver",
		"unix-abstract:x:1": "resolver",
		"host:+1":           "port that is not a number", "host:-1": "port that is not a number",
		"host:0x1": "port that is not",
		"host:0":   "port that is not a number", "host:99999": "port that is not", "host:7233.": "port that is not",
		"temporal://host:7233": "is a URL: write host and port alone, such as host:7233",
		"http://<host>:7233":   "is a URL: write host and port alone, such as localhost:7233",
		"unix:///x.sock":       "is a URL",
		"host:7233/":           "is not a host and a port", "a:1;b:2": "is not a host and a port",
		strings.Repeat("a.", 130) + "example:1": "names no host",
	} {
		err := temporalclient.CheckAddress("X", bad)
		require.ErrorContains(t, err, why, "%q", bad)
		require.ErrorContains(t, err, ": write host and port alone, such as ", "%q", bad)
	}
	require.NotContains(t, temporalclient.CheckAddress("X", "u:hunter2@host:7233").Error(), "hunter2")
}
