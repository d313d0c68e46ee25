package consoletest

import (
	"net/http/httptest"
	"testing"
)

// Server is a console that serves on a free port of the loopback interface.
type Server struct {
	*Console

	URL string // http://127.0.0.1:port, no trailing slash

	http *httptest.Server
}

// Start starts a console that serves until the test ends.
func Start(tb testing.TB, o Options) *Server {
	tb.Helper()
	c := New(o)
	s := &Server{Console: c, http: httptest.NewServer(c.Handler())}
	s.URL = s.http.URL
	tb.Cleanup(s.Close)
	return s
}

// Close cuts all connections and stops serving, as if the console had crashed. A second call
// has no effect.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}
