package codec_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"sentinelone-provisioner/internal/codec"
)

const (
	uiOrigin    = "http://localhost:8233"
	serverToken = "a-bearer-token-of-this-test"
	plainText   = `"the reason of ana"`
)

func serverKeys(t *testing.T, id string) codec.Keys {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	line := id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(id, 32)[:32]))
	require.NoError(t, os.WriteFile(path, []byte(line), 0o600))
	keys, err := codec.ReadKeys(path)
	require.NoError(t, err)
	return keys
}

// sealedRequest is a request with one payload that the keys have encrypted.
func sealedRequest(t *testing.T, keys codec.Keys) string {
	t.Helper()
	out, err := codec.New(keys).Encode([]*commonpb.Payload{{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte("json/plain")}, Data: []byte(plainText),
	}})
	require.NoError(t, err)
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: out})
	require.NoError(t, err)
	return string(body)
}

// Who gets what: the right page, path, method and token, and nobody else.
func TestServer(t *testing.T) {
	t.Parallel()
	keys := serverKeys(t, "k1")
	for name, c := range map[string]struct {
		token, method, target, host, origin, authorization string
		body                                               string
		status                                             int
		says                                               string
	}{
		"the CLI":         {target: "/decode", status: 200},
		"of a namespace":  {target: "/default/decode", status: 200},
		"of no namespace": {target: "//decode", status: 200},
		"the page":        {target: "/decode", origin: uiOrigin, status: 200},
		"by IPv6":         {target: "/decode", host: "[::1]:8081", status: 200},
		"with the token": {
			token: serverToken, target: "/decode", host: "s1.example.com", authorization: "Bearer " + serverToken,
			status: 200,
		},
		"without it":    {token: serverToken, target: "/decode", status: 401, says: "missing or wrong"},
		"another token": {token: serverToken, target: "/decode", authorization: "Bearer x" + serverToken, status: 401},
		"a part of it": {
			token: serverToken, target: "/decode", authorization: "Bearer " + serverToken[1:], status: 401,
		},
		"another scheme": {token: serverToken, target: "/decode", authorization: "Basic " + serverToken, status: 401},
		"another page":   {target: "/decode", origin: "http://localhost:8234", status: 403, says: "--ui-origin"},
		"a similar page": {target: "/decode", origin: uiOrigin + ".example.com", status: 403},
		"no origin":      {target: "/decode", origin: "null", status: 403},
		"a rebound name": {target: "/decode", host: "rebound.example.com:8081", status: 403, says: "localhost"},
		"encode":         {target: "/encode", status: 404, says: "only decodes"},
		"encode, deeper": {target: "/default/encode", status: 404},
		"decode, deeper": {target: "/a/b/decode", status: 404},
		"get":            {target: "/decode", method: http.MethodGet, status: 405},
		"another key": {
			target: "/decode", body: sealedRequest(t, serverKeys(t, "k2")), status: 400, says: `key "k2"`,
		},
		"no payload":     {target: "/decode", body: "{", status: 400},
		"much too large": {target: "/decode", body: strings.Repeat(" ", 65<<20), status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.body == "" {
				c.body = sealedRequest(t, keys)
			}
			if c.method == "" {
				c.method = http.MethodPost
			}
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.target, strings.NewReader(c.body))
			r.Host = "localhost:8081"
			if c.host != "" {
				r.Host = c.host
			}
			for header, value := range map[string]string{
				"Origin": c.origin, "Authorization": c.authorization, "Content-Type": "application/json",
			} {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			w := httptest.NewRecorder()
			codec.NewServer(keys, codec.ServerOptions{Token: c.token, Origins: []string{uiOrigin}}).ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code, w.Body.String())
			require.Contains(t, w.Body.String(), c.says)
			if c.status != http.StatusOK {
				require.NotContains(t, w.Body.String(), base64.StdEncoding.EncodeToString([]byte(plainText)))
				return
			}
			var got commonpb.Payloads
			require.NoError(t, protojson.Unmarshal(w.Body.Bytes(), &got))
			require.Equal(t, plainText, string(got.GetPayloads()[0].GetData()))
			require.Equal(t, c.origin, w.Header().Get("Access-Control-Allow-Origin"))
			require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		})
	}
}

// A browser asks before it sends: the page is answered, and no other one.
func TestServer_Preflight(t *testing.T) {
	t.Parallel()
	s := codec.NewServer(serverKeys(t, "k1"), codec.ServerOptions{Token: serverToken, Origins: []string{uiOrigin}})
	for origin, status := range map[string]int{
		uiOrigin: http.StatusNoContent, "https://example.com": http.StatusForbidden,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/default/decode", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Private-Network", "true")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.Equal(t, status, w.Code)
		if status == http.StatusForbidden {
			require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
			continue
		}
		require.Equal(t, origin, w.Header().Get("Access-Control-Allow-Origin"))
		require.Equal(t, "Authorization, Content-Type, X-Namespace", w.Header().Get("Access-Control-Allow-Headers"))
		require.Equal(t, "POST", w.Header().Get("Access-Control-Allow-Methods"))
		require.Equal(t, "true", w.Header().Get("Access-Control-Allow-Private-Network"))
		require.Equal(t, "Origin", w.Header().Get("Vary"))
	}
}
