package codec

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"strings"

	"go.temporal.io/sdk/converter"
)

// maxDecodeRequest bounds a request to the codec server, in bytes: a page of a history in JSON.
const maxDecodeRequest = 64 << 20

// ServerOptions say who may use a codec server.
type ServerOptions struct {
	// Token must come as "Authorization: Bearer TOKEN". "" lets every process of this machine decode, and only
	// requests that name it by a loopback address: no page of another site gets here by a name of its own (DNS
	// rebinding).
	Token string
	// Origins are the web pages, such as http://localhost:8233, whose scripts may read answers. Exact: no wildcard.
	Origins []string
}

// NewServer returns a handler that decodes payloads for the Temporal CLI and UI, at /decode and /NAMESPACE/decode. It
// encodes nothing: what it made could be sent into a workflow. keys decrypt; a payload that none of them opens fails
// its whole request, with a text that names the key.
func NewServer(keys Keys, o ServerOptions) http.Handler {
	return &server{ServerOptions: o, decode: converter.NewPayloadCodecHTTPHandler(New(keys))}
}

type server struct {
	ServerOptions

	decode http.Handler
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Origin")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	origin := r.Header.Get("Origin")
	switch {
	case s.Token == "" && !isLoopback(r.Host):
		http.Error(w, "use the address localhost: this codec server has no token", http.StatusForbidden)
	case origin != "" && !slices.Contains(s.Origins, origin):
		http.Error(w, "pages of this origin may not decode: name it with --ui-origin", http.StatusForbidden)
	case !isDecode(r.URL.Path):
		http.Error(w, "this codec server only decodes, at /decode and /NAMESPACE/decode", http.StatusNotFound)
	case r.Method == http.MethodOptions && origin != "":
		s.allow(w, origin)
		h := w.Header()
		h.Set("Access-Control-Allow-Methods", "POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
		if r.Header.Get("Access-Control-Request-Private-Network") == "true" { // a page that is not on this machine
			h.Set("Access-Control-Allow-Private-Network", "true")
		}
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST, OPTIONS")
		http.Error(w, "decode with POST", http.StatusMethodNotAllowed)
	case !s.knows(r.Header.Get("Authorization")):
		s.allow(w, origin)
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "the bearer token is missing or wrong", http.StatusUnauthorized)
	default:
		s.allow(w, origin)
		r.Body = http.MaxBytesReader(w, r.Body, maxDecodeRequest)
		r.URL.Path = "/decode"
		s.decode.ServeHTTP(w, r)
	}
}

func (s *server) allow(w http.ResponseWriter, origin string) {
	if origin != "" {
		w.Header().Set("Access-Control-Allow-Origin", origin)
	}
}

// knows compares the token in a time that does not depend on it.
func (s *server) knows(authorization string) bool {
	if s.Token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.Token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// isDecode is true for /decode and /NAMESPACE/decode. The CLI puts nothing in the place of a namespace that it was not
// given, and asks for //decode.
func isDecode(path string) bool {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	return parts[len(parts)-1] == "decode" && len(parts) <= 2
}

// isLoopback says whether a Host header names this machine.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return strings.EqualFold(name, "localhost") || net.ParseIP(name).IsLoopback()
}
