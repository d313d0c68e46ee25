package temporalclient

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.temporal.io/sdk/client"
	"golang.org/x/net/idna"

	"sentinelone-provisioner/internal/envvar"
)

// CheckAddress refuses an address that the SDK would try for ever to reach. The error begins with source, the setting
// that has the address, and holds no password.
func CheckAddress(source, address string) error {
	text := strings.TrimPrefix(address, "dns:///")
	wrong := func(why string) error {
		shown := ""
		if !strings.Contains(address, "@") { // what stands before it may be a password
			shown = " (" + envvar.Shown(address) + ")"
		}
		form := client.DefaultHostPort + " or acme.a1b2c.tmprl.cloud:7233"
		u, err := url.Parse(address)
		if err == nil && u.User == nil && u.Port() != "" && shown != "" && checkHost(u.Hostname(), false) == nil {
			form = u.Host // what was meant
		}
		return fmt.Errorf("%s%s %s: write host and port alone, such as %s", source, shown, why, form)
	}
	if strings.Contains(text, "://") {
		return wrong("is a URL")
	}
	if strings.ContainsAny(text, "/?#@\\ ,;\"'") {
		return wrong("is not a host and a port")
	}
	if resolver, _, _ := strings.Cut(text, ":"); strings.Count(text, ":") > 1 && slices.Contains(resolvers, resolver) {
		return wrong("begins with a resolver of gRPC")
	}
	if bare := strings.Trim(text, "[]"); strings.Count(bare, ":") > 1 && !strings.Contains(text, "]:") {
		if _, err := netip.ParseAddr(bare); err == nil {
			return wrong("is IPv6, of which brackets must tell the port, as in [::1]:7233")
		}
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return wrong("has no port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n < 1 {
		return wrong("has a port that is not a number from 1 to 65535")
	}
	if why := checkHost(host, strings.HasPrefix(text, "[")); why != nil {
		return wrong(why.Error())
	}
	return nil
}

// resolvers are those of gRPC that take an address without // behind their name. The SDK asks DNS.
var resolvers = []string{"dns", "ipv4", "ipv6", "passthrough", "unix", "unix-abstract", "vsock", "xds"}

// checkHost says why no host can have the name: it has characters that are in none, as where a script has left a
// placeholder in, or it is a number and no IP address. In brackets stands IPv6.
func checkHost(host string, brackets bool) error {
	switch {
	case brackets:
		if address, zone, found := strings.Cut(host, "%25"); found && zone != "" && !strings.Contains(zone, "%") {
			host = address
		}
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() || ip.Zone() != "" {
			return errors.New("has no IPv6 address in its brackets (write its zone behind %25, as in [fe80::1%25eth0])")
		}
		return nil
	case host == "" || len(host) > maxHost:
		return errors.New("names no host")
	case strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }):
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			return fmt.Errorf("names a host beyond ASCII, which DNS knows as %s", ascii)
		}
		return errors.New("names a host beyond ASCII, which DNS knows by another name (xn--…)")
	case strings.HasPrefix(host, "-") || strings.HasPrefix(host, ".") || strings.Contains(host, ".."),
		strings.ContainsFunc(host, notInHost):
		return errors.New("has a character that no host's name has there")
	}
	last := strings.TrimSuffix(host, ".")
	last = last[strings.LastIndexByte(last, '.')+1:]
	if _, err := netip.ParseAddr(host); err != nil && strings.Trim(last, "0123456789") == "" {
		return errors.New("names a host that ends in a number and is no IP address")
	}
	return nil
}

// notInHost tells the characters that Go's resolver asks nobody for.
func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

// maxHost is the longest name in DNS.
const maxHost = 253
