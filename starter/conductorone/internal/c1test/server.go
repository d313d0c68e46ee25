package c1test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/grpc"
)

// Heartbeat is the interval that running tasks are told, the shortest that the SDK accepts.
const Heartbeat = time.Second

// Server is a running ConductorOne with one connector registered.
type Server struct {
	Address string // host and port

	dir    string // for the certificate and what is uploaded
	http   *httptest.Server
	client client

	mu           sync.Mutex // guards all below
	changed      chan struct{}
	refuseTokens bool
	expectFaults bool
	tokens       map[string]bool // access tokens that were issued
	hellos       []*v1.BatonServiceHelloRequest
	queue        []*Task // not yet given out
	tasks        map[string]*Task
	faults       []string
}

// Start starts a server that runs until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		dir: tb.TempDir(), changed: make(chan struct{}),
		tokens: map[string]bool{}, tasks: map[string]*Task{},
	}
	authority, leaf := certificates(tb)
	if err := os.WriteFile(s.authorityFile(), authority, 0o600); err != nil {
		tb.Fatal(err)
	}
	calls := grpc.NewServer(grpc.UnaryInterceptor(s.checkCall), grpc.StreamInterceptor(s.checkStream))
	v1.RegisterBatonServiceServer(calls, &service{server: s})
	s.http = httptest.NewUnstartedServer(s.handler(calls))
	s.http.EnableHTTP2 = true
	s.http.TLS = leaf
	s.http.Config.ErrorLog = quiet
	s.http.StartTLS()
	s.Address = s.http.Listener.Addr().String()
	s.client = newClient(tb, s.Address)
	tb.Cleanup(func() { s.end(tb) })
	return s
}

// handler serves the token endpoint and the gRPC service on one port, as ConductorOne does.
func (s *Server) handler(calls *grpc.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/v1/token", s.serveToken)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			calls.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// end stops the server and fails the test if the connector broke the protocol.
func (s *Server) end(tb testing.TB) {
	tb.Helper()
	s.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.expectFaults && len(s.faults) > 0 {
		tb.Errorf("the connector broke ConductorOne's protocol:\n%s", strings.Join(s.faults, "\n"))
	}
}

// Close cuts all connections and stops serving, as if ConductorOne could not be reached. A second call has no effect.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// Env are the variables with which a connector reaches this server as its client.
func (s *Server) Env() []string {
	return []string{
		"BATON_C1_API_HOST=" + s.Address,
		"SSL_CERT_FILE=" + s.authorityFile(),
		"BATON_CLIENT_ID=" + s.client.id,
		"BATON_CLIENT_SECRET=" + s.client.secret,
	}
}

// Secret is the client secret, so that a test can search for it where it must not be. The second text is the part
// of it that is secret.
func (s *Server) Secret() (whole, key string) { return s.client.secret, s.client.key }

// RefuseTokens has the token endpoint answer 401 from now on, and no token that it issued counts any more, as if the
// client had been deleted in ConductorOne.
func (s *Server) RefuseTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuseTokens, s.expectFaults = true, true
	clear(s.tokens)
}

// ExpectFaults has the test pass although the connector breaks the protocol; see [Server.Faults].
func (s *Server) ExpectFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expectFaults = true
}

// Faults are the breaches of the protocol so far.
func (s *Server) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.faults)
}

// Hellos are the Hellos so far, oldest first.
func (s *Server) Hellos() []*v1.BatonServiceHelloRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hellos)
}

// change runs f under the lock and wakes all who wait for something.
func (s *Server) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) authorityFile() string { return filepath.Join(s.dir, "authority.pem") }

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
