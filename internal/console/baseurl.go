package console

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"sentinelone-provisioner/internal/envvar"
)

const exampleURL = "https://acmeco.sentinelone.net"

// hostShape matches a text that an error may repeat. An API token pasted in place of the URL
// does not match: its labels are longer than the 63 characters of a host.
var hostShape = regexp.MustCompile(
	`^(?i)(localhost|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+)(:[0-9]{1,5})?$`)

// ParseBaseURL checks the address of a console and returns it as scheme and host
// only, in lower case. Consoles use https; http is for simulators, and [CheckTransport] says
// which hosts it may reach. A path, a query, a fragment or a user name is an error, since it
// would be dropped or sent unnoticed. The error shows what to write and repeats neither a
// password nor a query.
func ParseBaseURL(raw string) (*url.URL, error) {
	text := strings.TrimSpace(raw)
	if text == "" {
		return nil, fmt.Errorf("the base URL is empty: write the address of the console, such as %s", exampleURL)
	}
	if err := envvar.CheckURL(text); err != nil || !strings.Contains(text, "://") && strings.Contains(text, "@") {
		return nil, fmt.Errorf("the base URL has a user name or a password: write only the address of the console, "+
			"such as %s", exampleURL)
	}
	if !strings.Contains(text, "://") {
		return nil, fmt.Errorf("the base URL has no scheme: write %s", withScheme(text))
	}
	u, err := url.Parse(text)
	if err != nil {
		// The parser's error repeats its input, which may hold a password.
		return nil, fmt.Errorf("the base URL is not a valid URL: write it as %s", exampleURL)
	}
	if err := checkHost(u); err != nil {
		return nil, err
	}
	clean := &url.URL{Scheme: strings.ToLower(u.Scheme), Host: strings.ToLower(u.Host)}
	if extra := extraParts(u); len(extra) > 0 {
		return nil, fmt.Errorf("the base URL has %s: write only %s", strings.Join(extra, " and "), clean)
	}
	return clean, nil
}

// CheckTransport refuses a base URL over which the API token would travel in clear text: http
// to any host but this machine. Where that is wanted, as for a simulator in another container,
// allowHTTP says so.
func CheckTransport(base *url.URL, allowHTTP bool) error {
	if base.Scheme != "http" || allowHTTP || isLoopback(base.Hostname()) {
		return nil
	}
	return fmt.Errorf("the base URL has the scheme http, which sends the API token to %s in clear text: "+
		"write https://%s, or set SENTINELONE_ALLOW_HTTP=true if this is a simulator on a network that you trust",
		base.Host, base.Host)
}

// isLoopback reports whether a host is this machine by its own text: a name that a resolver
// maps to this machine today may be another machine tomorrow.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	at, err := netip.ParseAddr(host)
	return err == nil && at.Unmap().IsLoopback()
}

func checkHost(u *url.URL) error {
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme != "https" && scheme != "http":
		return fmt.Errorf("the base URL has the scheme %s: write https, as in %s", envvar.Shown(scheme), exampleURL)
	case u.Hostname() == "":
		return fmt.Errorf("the base URL names no host: write it as %s", exampleURL)
	case strings.HasSuffix(u.Host, ":"):
		return fmt.Errorf("the base URL has a colon after the host but no port: write it as %s", exampleURL)
	case u.Port() != "":
		if port, err := strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return errors.New("the base URL has a port that is not between 1 and 65535")
		}
	}
	return nil
}

func extraParts(u *url.URL) []string {
	var extra []string
	if u.User != nil {
		extra = append(extra, "a user name")
	}
	if strings.Trim(u.Path, "/") != "" {
		extra = append(extra, "a path")
	}
	if u.RawQuery != "" || u.ForceQuery {
		extra = append(extra, "a query")
	}
	if u.Fragment != "" {
		extra = append(extra, "a fragment")
	}
	return extra
}

func withScheme(text string) string {
	host, _, _ := strings.Cut(text, "/")
	if hostShape.MatchString(host) {
		return "https://" + strings.ToLower(host)
	}
	return "it as " + exampleURL
}
