package temporalclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"

	"sentinelone-provisioner/internal/netenv"
)

// checkCertificates names what is wrong with the certificates in files that can be read, as of now: a server refuses an
// expired one at each attempt, and says little about it.
func checkCertificates(values environment, now time.Time) error {
	var faults []error
	certPath, keyPath := values[certVariable], values[keyVariable]
	if text, err := os.ReadFile(certPath); certPath != "" && err == nil {
		certificates := netenv.Certificates(text)
		if len(certificates) == 0 {
			faults = append(faults, noCertificate(certVariable, certPath))
		} else if err := netenv.CertificateHolds(certificates[0], now); err != nil {
			faults = append(faults, fmt.Errorf("%s: the certificate in %s %w: have a new one made",
				certVariable, certPath, err))
		} else if key, err := os.ReadFile(keyPath); keyPath != "" && err == nil {
			if _, err := tls.X509KeyPair(text, key); err != nil {
				faults = append(faults, fmt.Errorf("%s: %s is not the private key of the certificate in %s: "+
					"set both to files of one pair", keyVariable, keyPath, certPath))
			}
		}
	}
	caPath := values[caVariable]
	if text, err := os.ReadFile(caPath); caPath != "" && err == nil {
		certificates := netenv.Certificates(text)
		usable := errors.New("")
		for _, c := range certificates {
			if usable = netenv.CertificateHolds(c, now); usable == nil {
				break
			}
		}
		switch {
		case len(certificates) == 0:
			faults = append(faults, noCertificate(caVariable, caPath))
		case usable != nil:
			faults = append(faults, fmt.Errorf("%s: the certificate in %s %w: set it to the CA that signs the "+
				"service's certificate now", caVariable, caPath, usable))
		}
	}
	return errors.Join(faults...)
}

func noCertificate(variable, path string) error {
	return fmt.Errorf("%s: %s holds no certificate in PEM (-----BEGIN CERTIFICATE-----): convert it with "+
		"`openssl x509 -inform der`, or name another file", variable, path)
}

// explainRefusal says what to do about a service that does not take the client certificate; "" for any other error. A
// client sends none that is of a CA which the service does not name.
func explainRefusal(err error, config *tls.Config) string {
	given := config != nil && len(config.Certificates) > 0
	switch text := err.Error(); {
	case strings.Contains(text, "remote error: tls: certificate required") && !given:
		return "it asks for a client certificate: set " + certVariable + " and " + keyVariable
	case strings.Contains(text, "remote error: tls:"):
		return "it refuses the client certificate: set " + certVariable + " and " + keyVariable +
			" to one of a CA that it trusts, and check that it has not expired"
	}
	return ""
}

// probe asks a service that cannot be reached why it ends the connection: it tells a client that has written meanwhile
// by chance only. It returns what the service answers, or nil.
func probe(ctx context.Context, address string, config *tls.Config) error {
	if config == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	config = config.Clone()
	config.NextProtos = []string{"h2"}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", strings.TrimPrefix(address, "dns:///"))
	if err == nil {
		defer func() { _ = conn.Close() }()
		deadline, _ := ctx.Deadline()
		_ = conn.SetReadDeadline(deadline)
		_, err = conn.Read(make([]byte, 1))
	}
	if err != nil && Misconfigured(err) {
		return err
	}
	return nil
}

// probeTimeout bounds a handshake and the answer behind it.
const probeTimeout = 2 * time.Second

// Misconfigured reports whether the service was reached and another attempt with the same settings fails too: a CA that
// is not trusted, a client certificate that is missing or refused, a key that is not known.
func Misconfigured(err error) bool {
	if err == nil {
		return false
	}
	if serviceerror.ToStatus(err).Code() == codes.Unauthenticated {
		return true
	}
	for _, sign := range []string{
		"certificate signed by unknown authority", "remote error: tls: certificate required",
		"remote error: tls: bad certificate", "remote error: tls: unknown certificate authority",
		"remote error: tls: expired certificate", "remote error: tls: handshake failure",
	} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}
