// Package netenv knows the variables with which Go's own client reaches other machines: proxies and
// certificates of CAs. Go passes over what it cannot read of them, or quotes it with its password
// in every error; so they are checked when a program starts.
package netenv

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/http/httpproxy"

	"sentinelone-provisioner/internal/envvar"
	"sentinelone-provisioner/internal/textfile"
)

// The variables of CAs, which Go reads instead of the system's files.
const (
	CAFile = "SSL_CERT_FILE"
	CADir  = "SSL_CERT_DIR"
)

// maxPath is the longest path of Linux, in bytes.
const maxPath = 4096

// proxyVariables are read in this order, and the first that is set counts.
var proxyVariables = map[string][]string{
	"https": {"HTTPS_PROXY", "https_proxy"},
	"http":  {"HTTP_PROXY", "http_proxy"},
}

// Validate returns all faults of these variables, joined. None holds a part of a proxy's URL.
func Validate() error {
	var faults []error
	for _, scheme := range []string{"https", "http"} {
		for _, name := range proxyVariables[scheme] {
			faults = append(faults, checkProxy(name))
		}
	}
	return errors.Join(append(faults, checkCAFile(), checkCADirs())...)
}

// value is what Go reads. Go trims nothing, so that a value with blanks around it is a fault.
func value(name string) (string, error) {
	raw := os.Getenv(name)
	clean, err := envvar.Clean(name, raw)
	switch path := strings.HasPrefix(name, "SSL_"); {
	case err != nil || !path:
	case strings.Contains(raw, "://"):
		err = fmt.Errorf("%s is a URL: set it to the path of a file or folder", name)
	case len(raw) > maxPath:
		err = fmt.Errorf("%s is %d bytes long, which no path is: set it to the path of a file or folder",
			name, len(raw))
	}
	if err == nil && clean != raw {
		err = fmt.Errorf("%s has blanks or a line end around its value: remove them", name)
	}
	return raw, err
}

func checkProxy(name string) error {
	raw, err := value(name)
	if err != nil || raw == "" {
		return err
	}
	if err := envvar.CheckURL(raw); err != nil {
		return fmt.Errorf("%s: %w: write http://user:password@proxy.example.com:3128", name, err)
	}
	u, err := parseProxy(raw)
	if err != nil || u.Hostname() == "" || strings.Contains(raw, "#") {
		return fmt.Errorf("%s is not the URL of a proxy: write http://proxy.example.com:3128, with a user name and "+
			"password, if it needs them, percent-encoded before an @", name)
	}
	return nil
}

// parseProxy reads a proxy as Go does: a host alone is one of http.
func parseProxy(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err == nil {
		switch u.Scheme {
		case "http", "https", "socks5", "socks5h":
			return u, nil
		}
	}
	if strings.Contains(raw, "://") {
		return nil, errors.New("unknown scheme")
	}
	return url.Parse("http://" + raw)
}

func checkCAFile() error {
	path, err := value(CAFile)
	if err != nil || path == "" {
		return err
	}
	text, err := os.ReadFile(path)
	plain, encoding := textfile.Text(text)
	switch {
	case err == nil && encoding != nil:
		return fmt.Errorf("%s: %s: %w", CAFile, path, encoding)
	case err == nil && len(plain) != len(text):
		return fmt.Errorf("%s: %s begins with a byte order mark, behind which Go finds no certificate: remove it "+
			"with `sed -i '1s/^\\xef\\xbb\\xbf//' %s`", CAFile, path, path)
	case err != nil:
		return fmt.Errorf("%s: the CA bundle cannot be read: %w: set it to a file of PEM certificates, or unset it",
			CAFile, err)
	case !hasCertificate(text):
		return fmt.Errorf("%s: %s holds no certificate in PEM (-----BEGIN CERTIFICATE-----): convert it with "+
			"`openssl x509 -inform der -in FILE -out %s`", CAFile, path, filepath.Base(path)+".pem")
	}
	return nil
}

func hasCertificate(text []byte) bool { return len(Certificates(text)) > 0 }

// Certificates are those of a text in PEM that can be read.
func Certificates(text []byte) (out []*x509.Certificate) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return out
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			out = append(out, c)
		}
	}
}

// CertificateHolds says when a certificate holds, if it does not hold now.
func CertificateHolds(c *x509.Certificate, now time.Time) error {
	switch {
	case now.After(c.NotAfter):
		return fmt.Errorf("expired on %s", c.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(c.NotBefore):
		return fmt.Errorf("is valid from %s on only (check the clock with `date`)",
			c.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

func checkCADirs() error {
	dirs, err := value(CADir)
	if err != nil || dirs == "" {
		return err
	}
	for dir := range strings.SplitSeq(dirs, ":") {
		if _, err := os.ReadDir(dir); err != nil {
			return fmt.Errorf("%s: a folder cannot be read: %w: set it to folders of PEM certificates, separated by "+
				"colons, or unset it", CADir, err)
		}
	}
	return nil
}

// CheckPlainProxy refuses a proxy that Temporal's client cannot use for a host and port: it speaks to all as if they
// were http:// ones, and would try for ever. The error names the variable, and holds no password.
func CheckPlainProxy(address string) error {
	target := &url.URL{Scheme: "https", Host: address}
	through, err := httpproxy.FromEnvironment().ProxyFunc()(target)
	if err != nil {
		return fmt.Errorf("%s is not the URL of a proxy", proxyVariable("https"))
	}
	if through == nil || through.Scheme == "http" {
		return nil
	}
	return fmt.Errorf("%s names a proxy of %s://, and Temporal's client uses those of http:// only: "+
		"set it to an http:// proxy, or add %s to NO_PROXY, if it can be reached without one",
		proxyVariable("https"), through.Scheme, target.Hostname())
}

// proxyVariable is the variable that names the proxy to URLs of a scheme.
func proxyVariable(scheme string) string {
	for _, candidate := range proxyVariables[scheme] {
		if os.Getenv(candidate) != "" {
			return candidate
		}
	}
	return "HTTPS_PROXY"
}

// Proxy says in words through which proxy a URL is reached, and which variable says so; "" for none.
// It holds no password.
func Proxy(target *url.URL) string {
	through, err := httpproxy.FromEnvironment().ProxyFunc()(target)
	if err != nil || through == nil {
		return ""
	}
	return fmt.Sprintf("%s://%s (%s)", through.Scheme, through.Host, proxyVariable(strings.ToLower(target.Scheme)))
}

// CAs says in words whose certificates are trusted, and which variable says so; "" for the system's.
func CAs() string {
	var parts []string
	for _, name := range []string{CAFile, CADir} {
		if path := os.Getenv(name); path != "" {
			parts = append(parts, fmt.Sprintf("%s (%s)", path, name))
		}
	}
	return strings.Join(parts, " and ")
}

// ExplainTLS says what to do about an error of TLS; "" for any other. Text is compared as well: a
// library may keep nothing else. caVariable is the variable that names the CA.
func ExplainTLS(err error, caVariable string) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	caVariable = cmp.Or(caVariable, CAFile)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case unknown || strings.Contains(text, "certificate signed by unknown authority"):
		hint := "its certificate is signed by a CA that this machine does not trust, as that of a company's proxy " +
			"which opens TLS: set " + caVariable + " to the file of that CA's certificate (PEM)"
		if path := os.Getenv(caVariable); path != "" {
			hint = fmt.Sprintf("its certificate is signed by a CA that is not in %s (%s): "+
				"add that CA's certificate (PEM)", path, caVariable)
		}
		return hint
	case strings.Contains(text, "first record does not look like a TLS handshake"),
		strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "the other side does not speak TLS: check scheme and port, and the proxy variables"
	case strings.Contains(text, "certificate has expired"):
		return "its certificate has expired, or the clock of this machine is wrong: check with `date`"
	case strings.Contains(text, "certificate is valid for") || strings.Contains(text, "doesn't contain any IP SANs"):
		return "its certificate is for another host: check the address"
	}
	return ""
}
