package main

import (
	"errors"
	"net/url"
	"strings"

	"sentinelone-provisioner/internal/config"
	"sentinelone-provisioner/internal/console"
	"sentinelone-provisioner/internal/describe"
	"sentinelone-provisioner/internal/netenv"
	"sentinelone-provisioner/internal/store"
	"sentinelone-provisioner/internal/temporalclient"
)

// partNetwork is how check calls the way to other machines.
const partNetwork = "network"

// newServiceUser is where a console makes the identity that a worker needs.
const newServiceUser = "in the console: Settings → Users → Service Users → Actions → Create New Service User"

const fixToken = newServiceUser + ", or renew the token there, and write it into SENTINELONE_API_TOKEN_FILE"

// configuration returns the settings that no part could work with, joined. What is only not there,
// such as a server that does not answer, is not among them.
func (c *checkCommand) configuration() error {
	_, err := temporalclient.Options(c.sdkLogger(), c.cfg.Worker.KeysFile)
	return errors.Join(c.cfg.Validate(), err)
}

// printFixes lists what repairs each fault.
func (c *checkCommand) printFixes(findings []finding) {
	var rows [][]string
	for _, f := range findings {
		if f.Fix != "" {
			rows = append(rows, []string{f.Name, f.Fix})
		}
	}
	if len(rows) > 0 {
		writef(c.out, "\n")
		c.emitTable([]string{"to repair", "run, or click"}, rows)
	}
}

func fixReach(base string, err error) string {
	if netenv.ExplainTLS(err, "") != "" {
		return "export SSL_CERT_FILE=/path/to/company-ca.pem"
	}
	return "curl -sv -o /dev/null " + strings.TrimSpace(base) +
		"   # behind a proxy: export HTTPS_PROXY=http://PROXY:PORT"
}

func fixPermission(name string, err error) string {
	answer, ok := errors.AsType[*console.Error](err)
	switch {
	case ok && answer.WrongScope():
		return newServiceUser + ": one role, at one scope"
	case ok && answer.Status == 403 && !answer.HTML:
		page, action, _ := strings.Cut(name, ".")
		return "in the console: Settings → Users → Roles → the role of the token's owner → Actions → Edit: tick " +
			page + ": " + action
	}
	return "starter check"
}

func fixTemporal(err error) string {
	text := err.Error()
	switch {
	case strings.Contains(text, "has no namespace"):
		if _, command, found := strings.Cut(text, "`"); found {
			command, _, _ = strings.Cut(command, "`")
			return command
		}
	case netenv.ExplainTLS(err, "") != "":
		return "export TEMPORAL_TLS_SERVER_CA_CERT_PATH=/path/to/ca.pem"
	}
	return "temporal server start-dev   # or: export TEMPORAL_ADDRESS=HOST:7233"
}

func fixDatabase(err error) string {
	switch {
	case errors.Is(err, store.ErrNotReady):
		return "worker & starter sync --wait"
	case errors.Is(err, store.ErrNewerSchema):
		return "starter version   # install the release that the worker runs"
	}
	return "export DATABASE_URL=sqlite://FILE, or postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full"
}

// checkNetwork says through which proxy the console and Temporal are reached, and whose certificates
// are trusted. That TLS works, the other checks show.
func checkNetwork(a *app) finding {
	f := finding{Name: partNetwork, OK: true}
	var parts []string
	for _, to := range []struct{ name, address string }{
		{"console", a.cfg.Console.BaseURL}, {"Temporal", temporalURL(a)},
	} {
		u, err := url.Parse(strings.TrimSpace(to.address))
		if err != nil || u.Host == "" {
			continue
		}
		if proxy := netenv.Proxy(u); proxy != "" {
			parts = append(parts, to.name+" through the proxy "+proxy)
		} else {
			parts = append(parts, to.name+" directly")
		}
	}
	cas := describe.Shorten(netenv.CAs(), maxCAs)
	if cas == "" {
		cas = "the system's"
	}
	f.Detail = strings.Join(append(parts, "CA certificates: "+cas), "; ")
	if err := netenv.Validate(); err != nil {
		f.OK, f.Detail = false, strings.ReplaceAll(err.Error(), "\n", "; ")
		f.Fix = "env | grep -i -e proxy= -e SSL_CERT_"
	}
	return f
}

// maxCAs bounds the names of files of CAs in a check, in characters.
const maxCAs = 300

// temporalURL is the address of Temporal as a URL, "" if it is not known. Temporal's client asks for
// a proxy as for https, with or without TLS.
func temporalURL(a *app) string {
	opts, err := temporalclient.Options(a.sdkLogger(), "")
	if err != nil {
		return ""
	}
	return "https://" + opts.HostPort
}

// checkFiles says of each file that a setting names whether it can be read, and by whom it must not be.
func checkFiles() []finding {
	var out []finding
	for _, s := range config.Files() {
		out = append(out, finding{Name: s.Variable, OK: s.OK, Detail: s.Text, Fix: s.Fix})
	}
	return out
}
