package notify_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sentinelone-provisioner/internal/notify"
	"sentinelone-provisioner/internal/testbed"
)

// sendTo is the variable with which [TestSend_ThroughAProxy] runs itself as another process: Go reads the variables of
// proxies and CAs once.
const sendTo = "TEST_NOTIFY_SEND_TO"

// Webhook and Slack are reached through a proxy, over TLS with a company's CA on both ways; without the CA the error
// names the variable, and neither shows the URL, which is a secret.
func TestSend_ThroughAProxy(t *testing.T) {
	t.Parallel()
	if to := os.Getenv(sendTo); to != "" {
		reportSends(t, to)
		return
	}
	bodies := make(chan string, 10)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
	}))
	t.Cleanup(receiver.Close)
	// The certificates of httptest are for example.com.
	tunnel := &testbed.Tunnel{To: receiver.Listener.Addr().String(), Host: "example.com:443"}
	proxy := httptest.NewTLSServer(tunnel)
	t.Cleanup(proxy.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw})
	require.NoError(t, os.WriteFile(bundle, text, 0o600))

	send := func(env ...string) string {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSend_ThroughAProxy$", "-test.v")
		c.Env = append([]string{"PATH=" + os.Getenv("PATH"), sendTo + "=https://example.com/CANARY-hook"}, env...)
		out, err := c.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	out := send("HTTPS_PROXY="+proxy.URL, "SSL_CERT_FILE="+bundle)
	require.Equal(t, 2, strings.Count(out, "SENT <nil>"), out)
	require.Positive(t, tunnel.Opened())
	require.Contains(t, <-bodies, "INC-42")
	require.Contains(t, <-bodies, "INC-42")

	out = send("HTTPS_PROXY=" + proxy.URL)
	require.Equal(t, 2, strings.Count(out, "SSL_CERT_FILE"), out)
	require.NotContains(t, out, "CANARY-hook")
}

// reportSends prints what became of an event to each receiver.
func reportSends(t *testing.T, to string) {
	t.Helper()
	senders, err := notify.New(notify.Config{WebhookURL: to, WebhookSecret: key, SlackURL: to})
	require.NoError(t, err)
	for _, s := range senders {
		fmt.Println("SENT", s.Send(context.Background(), event(), ""))
	}
}
