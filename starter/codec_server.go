package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sentinelone-provisioner/internal/codec"
	"sentinelone-provisioner/internal/netenv"
	"sentinelone-provisioner/internal/textfile"
)

const (
	// minBearer is the shortest token that a codec server takes, in characters.
	minBearer = 16
	// Limits of the codec server: of a request's head, of a request, and of the wait for running ones at its end.
	codecHeadLimit = 5 * time.Second
	codecLimit     = time.Minute
	codecEndLimit  = 5 * time.Second
)

type codecServerCommand struct {
	*app

	listen    string
	origins   []string
	tokenFile string
	cert, key string
}

func newCodecServerCommand(a *app) *cobra.Command {
	c := &codecServerCommand{app: a}
	cmd := &cobra.Command{
		Use:   "codec-server",
		Short: "Decrypt payloads for the Temporal CLI and UI",
		Long: `Decrypt payloads with the keys in PAYLOAD_KEYS_FILE, so that the Temporal CLI and the UI show
what histories hold. It runs until it is interrupted, decodes only, and never encodes.

Without a token it listens on this machine only: each process of this machine can then decode. On
any other address it needs --token-file, and TLS: --tls-cert and --tls-key, or a proxy before it.`,
		Example: `  starter codec-server
  temporal workflow show --workflow-id grant/INC-42 --codec-endpoint http://localhost:8081
  starter codec-server --ui-origin http://localhost:8233   # the UI's settings: http://localhost:8081`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return c.execute(ctx) }),
	}
	flags := cmd.Flags()
	flags.StringVar(&c.listen, "listen", "localhost:8081", "host:port to listen on")
	flags.StringArrayVar(&c.origins, "ui-origin", nil,
		"exact origin of a Temporal UI whose pages may decode, such as http://localhost:8233; can be repeated")
	flags.StringVar(&c.tokenFile, "token-file", "", "file with the bearer token that requests must carry")
	flags.StringVar(&c.cert, "tls-cert", "", "file with the TLS certificate, in PEM")
	flags.StringVar(&c.key, "tls-key", "", "file with the key of the certificate, in PEM")
	return cmd
}

func (c *codecServerCommand) execute(ctx context.Context) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	keys, err := codec.ReadKeys(c.cfg.Worker.KeysFile)
	if err != nil {
		return badConfiguration(err)
	}
	if len(keys) == 0 {
		return usage("PAYLOAD_KEYS_FILE is not set: payloads are not encrypted, and nothing has to be decoded")
	}
	secure, err := c.certificate()
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.listen)
	if err != nil {
		return usage("--listen: cannot listen on %q, choose another host:port: %w", c.listen, err)
	}
	scheme := "http"
	if secure != nil {
		listener, scheme = tls.NewListener(listener, secure), "https"
	}
	c.remark("decodes at %s://%s until it is interrupted (keys: %s)", scheme, listener.Addr(), ids(keys))
	if options.Token != "" && secure == nil {
		c.remark("without TLS, what it decodes travels in clear text: put a proxy with TLS before it, or pass " +
			"--tls-cert")
	}
	return serveCodec(ctx, listener, codec.NewServer(keys, options))
}

// options are who may decode; an error says what is wrong with the flags.
func (c *codecServerCommand) options() (out codec.ServerOptions, err error) {
	host, _, err := net.SplitHostPort(c.listen)
	if err != nil {
		return out, usage("--listen is %q: set it to host and port, such as localhost:8081", c.listen)
	}
	for _, origin := range c.origins {
		if err := checkOrigin(origin); err != nil {
			return out, err
		}
	}
	out.Origins = c.origins
	if c.tokenFile == "" {
		if !loopback(host) {
			return out, usage("--listen %s is reached from other machines, and everybody there could read what "+
				"requests hold: pass --token-file, or listen on localhost", c.listen)
		}
		return out, nil
	}
	text, err := textfile.Read(c.tokenFile)
	if err != nil {
		return out, usage("--token-file: %w", err)
	}
	out.Token = strings.TrimSpace(string(text))
	if len(out.Token) < minBearer || strings.ContainsAny(out.Token, " \t\r\n") {
		return out, usage("--token-file: %s must hold one token of at least %d characters, without blanks: "+
			"make one with `openssl rand -hex 32`", c.tokenFile, minBearer)
	}
	return out, nil
}

// loopback is true for addresses that only this machine reaches.
func loopback(host string) bool {
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback()
}

// checkOrigin takes what browsers send: scheme, host and port, and nothing behind them.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != origin ||
		strings.ContainsAny(u.Host, "*@") || strings.ToLower(u.Host) != u.Host {
		return usage("--ui-origin is %q: write scheme, host and port as the browser shows them, without a path and "+
			"without *, such as http://localhost:8233", origin)
	}
	return nil
}

// certificate is nil without TLS.
func (c *codecServerCommand) certificate() (*tls.Config, error) {
	switch {
	case c.cert == "" && c.key == "":
		return nil, nil
	case c.cert == "" || c.key == "":
		return nil, usage("--tls-cert and --tls-key go together: pass both, or neither")
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return nil, usage("--tls-cert, --tls-key: %w", err)
	}
	if err := netenv.CertificateHolds(pair.Leaf, c.now()); err != nil {
		return nil, usage("--tls-cert: the certificate in %s %w: renew it", c.cert, err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, nil
}

func ids(keys codec.Keys) string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.ID
	}
	return strings.Join(out, ", ")
}

// serveCodec serves until ctx ends, and lets running requests end.
func serveCodec(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: codecHeadLimit, ReadTimeout: codecLimit, WriteTimeout: codecLimit,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("the codec server failed: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), codecEndLimit)
	defer cancel()
	if err := server.Shutdown(ending); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop the codec server: %w", err)
	}
	return nil
}
