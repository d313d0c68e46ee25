package testbed

import (
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// Tunnel is a proxy that connects every CONNECT to one address, whatever host is asked for. Serve it with
// [net/http/httptest].
type Tunnel struct {
	To   string // host and port
	Host string // the one host and port that may be asked for; "" for any

	opened atomic.Int64
}

// Opened is how many connections it has made.
func (t *Tunnel) Opened() int { return int(t.opened.Load()) }

// ServeHTTP implements [http.Handler]. Other hosts are refused with 403, other methods with 405.
func (t *Tunnel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodConnect:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case t.Host != "" && r.Host != t.Host:
		w.WriteHeader(http.StatusForbidden)
		return
	}
	server, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", t.To)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	client, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		_ = server.Close()
		return
	}
	t.opened.Add(1)
	// As proxies write it: without the headers of a body, for which gRPC would wait.
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	for _, ends := range [][2]net.Conn{{server, client}, {client, server}} {
		go func() {
			_, _ = io.Copy(ends[0], ends[1])
			_ = ends[0].Close()
		}()
	}
}
