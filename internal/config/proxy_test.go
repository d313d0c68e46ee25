package config_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"sentinelone-provisioner/internal/testbed"
)

// temporalHost is a name that only a proxy knows.
const temporalHost = "temporal.example.com"

// fakeTemporal is a Temporal service that says that it is there.
type fakeTemporal struct {
	workflowservice.UnimplementedWorkflowServiceServer
}

func (fakeTemporal) GetSystemInfo(
	context.Context, *workflowservice.GetSystemInfoRequest,
) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (fakeTemporal) DescribeNamespace(
	context.Context, *workflowservice.DescribeNamespaceRequest,
) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

// privateCA is a certificate of temporalHost that is its own CA, and its PEM.
func privateCA(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme CA"}, DNSNames: []string{temporalHost},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, text
}

// Temporal is reached through a proxy, over TLS with a company's CA, which either variable names. What cannot work is
// said at once: the worker would try for ever.
func TestPrograms_TemporalThroughAProxy(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	certificate, text := privateCA(t)
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	bundle := file("ca.pem", string(text))
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
	workflowservice.RegisterWorkflowServiceServer(server, fakeTemporal{})
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	tunnel := &testbed.Tunnel{To: listener.Addr().String()}
	proxy := httptest.NewServer(tunnel)
	t.Cleanup(proxy.Close)

	at := func(more ...string) map[string]string {
		vars := map[string]string{
			"TEMPORAL_ADDRESS": temporalHost + ":7233", "TEMPORAL_TLS": "true",
			"HTTPS_PROXY": strings.Replace(proxy.URL, "http://", "http://u:"+password+"@", 1),
		}
		for i := 0; i < len(more); i += 2 {
			vars[more[i]] = more[i+1]
		}
		return vars
	}
	for _, variable := range []string{"TEMPORAL_TLS_SERVER_CA_CERT_PATH", "SSL_CERT_FILE"} {
		before := tunnel.Opened()
		got := p.starter(t, at(variable, bundle), "check")
		require.Equal(t, 0, got.code, got.out)
		require.Contains(t, got.out, temporalHost+":7233 answers")
		require.Contains(t, got.out, "Temporal through the proxy "+proxy.URL+" (HTTPS_PROXY)")
		require.Greater(t, tunnel.Opened(), before)
		require.NotContains(t, got.out, password)
	}
	got := p.starter(t, at(), "check")
	require.Contains(t, got.out, "temporal at "+temporalHost+":7233 cannot be trusted")
	require.Contains(t, got.out, "TEMPORAL_TLS_SERVER_CA_CERT_PATH")

	for _, scheme := range []string{"https", "socks5"} {
		through := strings.Replace(proxy.URL, "http://", scheme+"://u:"+password+"@", 1)
		got := p.worker(t, at("HTTPS_PROXY", through))
		require.Equal(t, 2, got.code, got.out)
		require.Contains(t, got.out, "HTTPS_PROXY names a proxy of "+scheme+"://, and Temporal's client uses")
		require.Contains(t, got.out, "add "+temporalHost+" to NO_PROXY")
		require.NotContains(t, got.out, password)
		require.True(t, p.worker(t, at("HTTPS_PROXY", through, "NO_PROXY", temporalHost)).runs)
		local := at("HTTPS_PROXY", through, "TEMPORAL_ADDRESS", "127.0.0.1:1", "TEMPORAL_TLS", "-")
		require.True(t, p.worker(t, local).runs, "this machine is reached without a proxy")
	}
	for content, says := range map[string]string{
		"\xef\xbb\xbf" + string(text): "begins with a byte order mark, behind which nothing is found: remove it",
		"\xff\xfe-\x00":               "it is saved as UTF-16",
		"\x30\x82\x01":                "is not in PEM (-----BEGIN …): convert it with `openssl x509",
	} {
		path := file("ca.pem", content)
		got := p.worker(t, at("TEMPORAL_TLS_SERVER_CA_CERT_PATH", path))
		require.Equal(t, 2, got.code, got.out)
		require.Contains(t, got.out, "TEMPORAL_TLS_SERVER_CA_CERT_PATH: "+path)
		require.Contains(t, got.out, says)
	}
}
