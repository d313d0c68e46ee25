package console

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

const (
	defaultTimeout = 60 * time.Second
	// defaultMaxRow is some forty times a user with a role at each of 1,555 sites, and far below
	// the memory of a worker.
	defaultMaxRow = 8 << 20
)

// Config names a console and how to call it. BaseURL and Token are required; the zero value of
// every other field selects its default.
type Config struct {
	// BaseURL is the console's address, such as https://acmeco.sentinelone.net,
	// with or without a trailing slash; see [ParseBaseURL].
	BaseURL string
	// Token is the source of the API token; see [StaticToken] and [TokenFile].
	Token TokenSource
	// AllowHTTP accepts a base URL with http to another machine; see [CheckTransport].
	AllowHTTP bool
	// ReadOnly makes every request that would change the console fail with [ErrReadOnly]
	// before it is sent.
	ReadOnly bool
	// Timeout bounds one request, from its first byte to the last byte of its response,
	// without the wait for the rate budget. Default 60 s.
	Timeout time.Duration
	// MaxRow bounds one row of a list, all of a list that is not a row, and any other response,
	// in bytes after decompression. Default 8 MiB.
	MaxRow int64
	// Budgets are the rates to stay within. Nil means [PublishedBudgets]; an empty list
	// that is not nil means no limit.
	Budgets []Budget
	// UserAgent is the User-Agent header. Default sentinelone-provisioner/<version>.
	UserAgent string
	// Transport sends the requests. Nil means a copy of http.DefaultTransport that
	// keeps 16 connections, with the proxy that the environment names.
	Transport http.RoundTripper
}

// New checks the configuration and creates a client. It sends no request. Its error lists every
// fault, and never holds the token.
func New(cfg Config) (*Client, error) {
	var faults []error
	base, err := ParseBaseURL(cfg.BaseURL)
	if err == nil {
		err = CheckTransport(base, cfg.AllowHTTP)
	}
	if err != nil {
		faults = append(faults, err)
	}
	if cfg.Token == nil {
		faults = append(faults, errors.New("there is no API token: use that of a service user or user of the console"))
	} else if _, err := cfg.Token.Token(); err != nil {
		faults = append(faults, err)
	}
	if cfg.Timeout < 0 {
		faults = append(faults, fmt.Errorf("invalid request timeout %s: must not be negative", cfg.Timeout))
	}
	if cfg.MaxRow < 0 {
		faults = append(faults, fmt.Errorf("invalid response limit of %d bytes: must not be negative", cfg.MaxRow))
	}
	if cfg.Budgets == nil {
		cfg.Budgets = PublishedBudgets()
	}
	limits, err := newLimiters(cfg.Budgets)
	if err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &Client{
		base: base, token: cfg.Token, readOnly: cfg.ReadOnly, limits: limits,
		timeout: cmp.Or(cfg.Timeout, defaultTimeout), maxRow: cmp.Or(cfg.MaxRow, defaultMaxRow),
		userAgent: cmp.Or(cfg.UserAgent, defaultUserAgent()), http: newHTTPClient(base, cfg.Transport), now: time.Now,
	}, nil
}

func defaultUserAgent() string {
	version := "dev"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && !strings.HasPrefix(info.Main.Version, "(") {
		version = info.Main.Version
	}
	return "sentinelone-provisioner/" + version
}
