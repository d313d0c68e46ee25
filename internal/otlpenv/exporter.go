package otlpenv

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"sentinelone-provisioner/internal/envvar"
	"sentinelone-provisioner/internal/netenv"
)

// maxMillis bounds what is waited for, in milliseconds: ten minutes.
const maxMillis = 600_000

// exporter has the settings in the order in which faults are told.
var exporter = []struct {
	setting string
	check   func(value string) error // its error continues a sentence that begins with the variable's name
}{
	{endpoint, checkEndpoint},
	{protocol, checkProtocol},
	{headers, checkHeaders},
	{timeout, checkTimeout},
	{compression, oneOf("gzip", "none")},
	{insecure, checkBool},
	{certificate, checkCertificate},
	{clientCertificate, checkCertificate},
	{clientKey, checkReadable},
}

// checkExporter returns the faults of all variables with that begin.
func checkExporter(begin string) (faults []error) {
	for _, s := range exporter {
		name := begin + s.setting
		value, set, _, err := envvar.Lookup(name)
		if err == nil && set {
			if err = s.check(value); err == nil && value != raw(name) {
				err = errors.New("has a byte order mark around its value, which OpenTelemetry takes as a part of it: " +
					"remove it")
			}
			if err != nil {
				err = fmt.Errorf("%s %w", name, err)
			}
		}
		faults = append(faults, err)
	}
	return faults
}

func checkEndpoint(value string) error {
	if envvar.HoldsPassword(value) || strings.Contains(value, "@") {
		return errors.New("holds a user name or a password, which are not sent: set OTEL_EXPORTER_OTLP_HEADERS " +
			"to what the collector asks for, such as authorization=Basic%20…")
	}
	u, err := url.Parse(value)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "", !validPort(u.Port()):
		return fmt.Errorf("is %s: set it to the collector's URL, such as http://localhost:4318", envvar.Shown(value))
	case u.RawQuery != "", u.Fragment != "":
		return errors.New("has a query or a fragment, which are not sent: remove what follows the path")
	}
	return nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func checkProtocol(value string) error {
	if value != "http/protobuf" {
		return fmt.Errorf("is %s: set it to http/protobuf, which is mostly at port 4318, or unset it",
			envvar.Shown(value))
	}
	return nil
}

func checkHeaders(value string) error {
	_, err := parseHeaders(value)
	return err
}

// parseHeaders reads name=value, separated by commas, the values percent-encoded. The error shows none.
func parseHeaders(text string) (pairs [][2]string, err error) {
	if text == "" {
		return nil, nil
	}
	for i, pair := range strings.Split(text, ",") {
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		decoded, err := url.PathUnescape(value)
		decoded = strings.TrimSpace(decoded)
		if !found || err != nil || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(decoded) {
			return nil, fmt.Errorf("is not a list of headers (see number %d): write name=value, separated by commas, "+
				"with percent-encoded values (a blank is %%20, a comma %%2C)", i+1)
		}
		if http.CanonicalHeaderKey(name) == "Host" {
			return nil, errors.New("names the header Host, which is not sent: set OTEL_EXPORTER_OTLP_ENDPOINT to it")
		}
		pairs = append(pairs, [2]string{name, decoded})
	}
	return pairs, nil
}

func checkTimeout(value string) error { return within(value, 1, maxMillis, "milliseconds") }

func within(value string, least, most int, unit string) error {
	if n, err := strconv.Atoi(value); err != nil || n < least || n > most {
		return fmt.Errorf("is %s: set it to a whole number of %s from %d to %d", envvar.Shown(value), unit, least, most)
	}
	return nil
}

func checkBool(value string) error {
	if !isBool(value) {
		return fmt.Errorf("is %s: set it to true or false", envvar.Shown(value))
	}
	return nil
}

func oneOf(words ...string) func(string) error {
	return func(value string) error {
		if slices.Contains(words, value) {
			return nil
		}
		return fmt.Errorf("is %s: set it to %s", envvar.Shown(value), strings.Join(words, " or "))
	}
}

func checkReadable(path string) error {
	_, err := readFile(path)
	return err
}

func readFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if pathErr, is := errors.AsType[*os.PathError](err); is {
		return nil, fmt.Errorf("is %s, which cannot be read: %w: set it to a file in PEM",
			envvar.Shown(path), pathErr.Err)
	}
	return text, err
}

func checkCertificate(path string) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	found := netenv.Certificates(text)
	if len(found) == 0 {
		return fmt.Errorf("is %s, which holds no certificate in PEM (-----BEGIN CERTIFICATE-----): "+
			"convert it with `openssl x509 -inform der`, or name another file", envvar.Shown(path))
	}
	for _, c := range found {
		if err = netenv.CertificateHolds(c, time.Now()); err == nil {
			return nil
		}
	}
	return fmt.Errorf("is %s, whose certificate %w: have a new one made", envvar.Shown(path), err)
}

// checkTogether returns what is wrong with settings that are right on their own.
func checkTogether() error {
	var faults []error
	at, address := effective(endpoint)
	open := strings.HasPrefix(strings.ToLower(address), "http://")
	if name, value := effective(insecure); address != "" && isBool(value) && strings.EqualFold(value, "true") != open {
		faults = append(faults, fmt.Errorf("%s is %s, and %s has another scheme: unset %s, since the scheme "+
			"says whether TLS is used", name, strings.ToLower(value), at, name))
	}
	for _, setting := range []string{certificate, clientCertificate} {
		if name, value := effective(setting); open && value != "" {
			faults = append(faults, fmt.Errorf("%s needs TLS, and %s is an http:// URL: set that to the collector's "+
				"https:// URL, or unset %s", name, at, name))
		}
	}
	for _, begin := range []string{prefix, tracesPrefix} {
		faults = append(faults, checkPair(begin+clientCertificate, begin+clientKey))
	}
	return errors.Join(faults...)
}

func checkPair(certName, keyName string) error {
	certPath, keyPath := raw(certName), raw(keyName)
	switch {
	case certPath == "" && keyPath == "":
		return nil
	case keyPath == "":
		return fmt.Errorf("%s is not set: set it to the private key of the certificate in %s", keyName, certName)
	case certPath == "":
		return fmt.Errorf("%s is not set: set it to the certificate of the private key in %s", certName, keyName)
	}
	if _, err := tls.LoadX509KeyPair(certPath, keyPath); err != nil &&
		checkCertificate(certPath) == nil && checkReadable(keyPath) == nil { // else it is said already
		return fmt.Errorf("%s is not the private key of the certificate in %s: set both to files of one pair",
			keyName, certName)
	}
	return nil
}
