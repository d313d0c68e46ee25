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
	// defaultMaxBody is far above the 1.5 MB of a page of 1,000 users, and far
	// below what would exhaust a worker.
	defaultMaxBody = 64 << 20
)

// Config says which console to speak to and how. BaseURL and Token are required;
// the zero value of everything else is a good choice.
type Config struct {
	// BaseURL is the console's address, such as https://acmeco.sentinelone.net,
	// with or without a trailing slash; see [ParseBaseURL].
	BaseURL string
	// Token gives the API token; see [StaticToken] and [TokenFile].
	Token TokenSource
	// ReadOnly refuses, with [ErrReadOnly] and before anything is sent, every
	// request that would change the console.
	ReadOnly bool
	// Timeout bounds one request from its first byte to the last of its answer,
	// without the wait for the rate budget. Default 60 s.
	Timeout time.Duration
	// MaxBody bounds an answer, in bytes after decompression. Default 64 MiB.
	MaxBody int64
	// Budgets are the rates to stay within. Nil means [PublishedBudgets]; an empty
	// list that is not nil means none.
	Budgets []Budget
	// UserAgent is sent along. Default sentinelone-provisioner/<version>.
	UserAgent string
	// Transport sends the requests. Nil means a copy of http.DefaultTransport that
	// keeps 16 connections, with the proxy that the environment names.
	Transport http.RoundTripper
}

// New checks the configuration and makes a client, without a request. Its error
// lists every fault, and never holds the token.
func New(cfg Config) (*Client, error) {
	var faults []error
	base, err := ParseBaseURL(cfg.BaseURL)
	if err != nil {
		faults = append(faults, err)
	}
	if cfg.Token == nil {
		faults = append(faults, errors.New("no API token is given: use that of a service user or user of the console"))
	} else if _, err := cfg.Token.Token(); err != nil {
		faults = append(faults, err)
	}
	if cfg.Timeout < 0 {
		faults = append(faults, fmt.Errorf("the request timeout is %s: it must not be negative", cfg.Timeout))
	}
	if cfg.MaxBody < 0 {
		faults = append(faults, fmt.Errorf("the largest answer is %d bytes: it must not be negative", cfg.MaxBody))
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
		timeout: cmp.Or(cfg.Timeout, defaultTimeout), maxBody: cmp.Or(cfg.MaxBody, defaultMaxBody),
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
