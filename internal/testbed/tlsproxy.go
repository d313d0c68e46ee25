package testbed

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// TLSProxy stands before a Temporal server without TLS as Temporal Cloud's edge does.
type TLSProxy struct {
	Address string // host and port
	server  *http.Server
}

// StartTLSProxy starts to terminate TLS before the server at target. With a key it answers calls that do not carry it
// as an API key as Temporal Cloud does: Unauthenticated. The caller closes it.
func StartTLSProxy(ctx context.Context, target string, config *tls.Config, key string) (*TLSProxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for TLS: %w", err)
	}
	plain := &http.Transport{Protocols: &http.Protocols{}}
	plain.Protocols.SetUnencryptedHTTP2(true)
	quiet := log.New(io.Discard, "", 0) // clients that are refused, and that end a poll
	to := &url.URL{Scheme: "http", Host: target}
	proxy := &httputil.ReverseProxy{
		Transport: plain, FlushInterval: -1, ErrorLog: quiet,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
	}
	p := &TLSProxy{Address: listener.Addr().String(), server: &http.Server{
		TLSConfig: config, ErrorLog: quiet, ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if key != "" && r.Header.Get("Authorization") != "Bearer "+key {
				w.Header().Set("Content-Type", "application/grpc")
				w.Header().Set("Grpc-Status", "16")
				w.Header().Set("Grpc-Message", "Request unauthorized.")
				return
			}
			proxy.ServeHTTP(w, r)
		}),
	}}
	go func() { _ = p.server.ServeTLS(listener, "", "") }()
	return p, nil
}

// Close stops the proxy and ends its connections.
func (p *TLSProxy) Close() { _ = p.server.Close() }
